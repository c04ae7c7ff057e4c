"""Names of tags in other languages: what ships is complete, unambiguous and in its script; a file adds a language."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path

import pytest

from vectortag.core.errors import LanguageError
from vectortag.core.text import normalise
from vectortag.model.folder import read_model_folder
from vectortag.model.language import LANGUAGES, Language, choose, codes
from vectortag.model.registry import model_folders
from vectortag.model.taxonomy import Taxonomy

SHIPPED = codes()[1:]
ACRONYM = re.compile("[A-Z]+")
SCRIPTS = {"Latin": "LATIN", "Hiragana": "HIRAGANA", "Katakana": "KATAKANA", "Han": "CJK"}
"""A script, and how Unicode names the letters of it."""
PUNCTUATION = set(" -'.&")


@pytest.fixture
def write(tmp_path: Path):
    """write("de", text): a language file in the test's folder, which is returned."""

    def put(code: str, text: str) -> Path:
        (tmp_path / f"{code}.toml").write_text(f'version = 1\nname = "Own"\n{text}', encoding="utf-8")
        return tmp_path

    return put


@pytest.fixture(scope="module")
def vocabulary() -> set[str]:
    """Every tag of the shipped models and of the default taxonomy."""
    taxonomy = Taxonomy.load()
    parents = {parent for above in taxonomy.implications.values() for parent in above}
    of_models = {tag for folder in model_folders() for tag in read_model_folder(folder).manifest.tags}
    return {*taxonomy.synonyms, *taxonomy.implications, *parents, *taxonomy.groups, *of_models}


def script_of(letter: str) -> str:
    named = unicodedata.name(letter)
    if letter == "ー":  # the long vowel of both kana
        return "KATAKANA"
    return named.split()[0].removesuffix("-HIRAGANA")


@pytest.mark.parametrize("code", SHIPPED)
class TestEachShippedLanguage:
    def test_knows_every_tag(self, code: str, vocabulary: set[str]):
        assert vocabulary - set(Language.load(code).tags) == set()

    def test_knows_the_same_tags_as_the_others(self, code: str):
        assert set(Language.load(code).tags) == set(Language.load(SHIPPED[0]).tags)

    def test_leaves_few_tags_in_english(self, code: str):
        tags = Language.load(code).tags

        assert sum(not words for words in tags.values()) <= len(tags) / 50

    def test_gives_no_two_tags_the_same_word(self, code: str):
        words = [normalise(word) for words in Language.load(code).tags.values() for word in words]

        assert len(words) == len(set(words))

    def test_shows_no_two_tags_by_the_same_name_those_that_stay_english_included(self, code: str):
        language = Language.load(code)

        assert len({normalise(language.name(tag)) for tag in language.tags}) == len(language.tags)

    def test_is_written_in_its_own_script(self, code: str):
        allowed = {
            SCRIPTS[script] for script in tomllib.loads((LANGUAGES / f"{code}.toml").read_text("utf-8"))["scripts"]
        }
        for words in Language.load(code).tags.values():
            for word in words:
                letters = [letter for letter in word if letter not in PUNCTUATION and not letter.isdigit()]
                foreign = "".join(letter for letter in letters if script_of(letter) not in allowed)
                assert not foreign or ACRONYM.fullmatch(foreign), (code, word)

    def test_has_words_that_a_person_could_type(self, code: str):
        for words in Language.load(code).tags.values():
            for word in words:
                assert word == unicodedata.normalize("NFC", word).strip()
                assert set(word).isdisjoint("()/;|"), (code, word)

    def test_leads_from_each_name_back_to_its_tag(self, code: str):
        language = Language.load(code)

        assert all(language.tag_of(language.name(tag)) == tag for tag, words in language.tags.items() if words)
        assert all(language.tag_of(word.upper()) == tag for tag, words in language.tags.items() for word in words)


def test_at_least_twelve_languages_ship():
    assert {"de", "fr", "es", "it", "pt", "nl", "pl", "sv", "cs", "tr", "ja", "zh"} <= set(SHIPPED)


def test_words_that_look_alike_in_english_are_told_apart():
    german, japanese = Language.load("de"), Language.load("ja")

    assert (german.name("bat"), german.name("baseball bat")) == ("Fledermaus", "Baseballschläger")
    assert (german.name("crane"), german.name("mouse")) == ("Kran", "Maus")
    assert (german.name("glass"), german.name("glasses")) == ("Trinkglas", "Brille")
    assert japanese.tag_of("マウス") == "computer mouse"


def test_a_word_is_known_in_any_case_and_form_and_without_marks_where_that_is_clear(write):
    folder = write("xx", '[tags]\nbear = ["Bär"]\nstreet = ["Straße"]\nbar = ["Bar"]\nlion = ["Löwe"]\nox = ["Łoś"]')
    own = Language.load("xx", folder=folder)

    assert own.tag_of("BÄR") == own.tag_of(unicodedata.normalize("NFD", "bär")) == "bear"
    assert own.tag_of("STRASSE") == "street"
    assert own.tag_of("Bar") == "bar"
    assert own.tag_of("lowe") == "lion"
    assert own.tag_of("los") == "ox"


def test_a_word_without_marks_that_could_be_two_tags_is_none_of_them(write):
    own = Language.load("xx", folder=write("xx", '[tags]\nbed = ["säng"]\nsong = ["sång"]'))

    assert own.tag_of("sang") == "sang"
    assert (own.tag_of("säng"), own.tag_of("sång")) == ("bed", "song")


def test_letters_may_be_spelt_as_on_a_keyboard_without_them(write):
    own = Language.load("xx", folder=write("xx", '[letters]\n"ö" = "oe"\n[tags]\nlion = ["Löwe"]'))

    assert own.tag_of("Loewe") == own.tag_of("Lowe") == "lion"


def test_the_marks_of_japanese_tell_words_apart(write):
    own = Language.load("xx", folder=write("xx", '[tags]\nkey = ["かき"]\nfang = ["がき"]'))

    assert (own.tag_of("かき"), own.tag_of("がき")) == ("key", "fang")


def test_a_tag_without_a_name_stays_english():
    swedish = Language("sv", "Svenska", {"dog": ("hund",), "tundra": ()})

    assert swedish.name("tundra") == swedish.tag_of("tundra") == "tundra"
    assert swedish.name("our boat") == swedish.tag_of("our boat") == "our boat"
    assert swedish.tag_of("Dog") == "Dog"


def test_a_path_begins_at_the_topmost_parent_and_takes_the_first_of_several():
    taxonomy = Taxonomy(implications={"jockey": ["person", "horse"], "horse": ["animal"], "foal": ["horse"]})
    german = Language.load("de")

    assert german.path("foal", taxonomy) == "Tier|Pferd|Fohlen"
    assert german.path("jockey", taxonomy) == "Person|Jockey"
    assert german.path("foal", taxonomy, separator="/") == "Tier/Pferd/Fohlen"
    assert Language.load("en").path("dog") == "animal|dog"


def test_english_reads_no_file(tmp_path: Path):
    for language in (None, "en", "en_GB.UTF-8"):
        english = Language.load(language, folder=tmp_path / "none")
        assert (english.name("dog"), english.tag_of("Dog"), english.title) == ("dog", "Dog", "English")


@pytest.mark.parametrize("language", ["de", "DE", "de-AT", "de_DE.UTF-8"])
def test_a_country_or_an_encoding_behind_the_language_does_not_matter(language: str):
    assert Language.load(language).code == "de"


def test_an_unknown_language_is_an_error_that_names_those_that_there_are():
    with pytest.raises(LanguageError, match=r'no language "klingon".* en, cs, de, .*zh'):
        Language.load("klingon")


def test_a_language_is_added_by_a_file_alone(write):
    folder = write("gsw", '[tags]\ndog = ["Hond"]\ncat = ["Büsi", "Chatz"]')

    assert codes(folder) == ["en", "gsw"]
    assert Language.load("gsw", folder=folder).tag_of("chatz") == "cat"
    assert Language.load(str(folder / "gsw.toml")).name("cat") == "Büsi"
    assert choose("gsw-CH, de", folder=folder) == "gsw"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[tags]\ndog = ["Hund"]\nwolf = ["HUND"]', 'is listed under both "dog" and "wolf"'),
        ('[tags]\ndog = [" "]', "a word has 1 to 200 characters"),
        ('[tags]\ndog = ["Hu\\u001bnd"]', "a word has 1 to 200 characters"),
        ('[tags]\ndog = "Hund"', "tags.dog: expected"),
        ("[tag]\n", "unknown key"),
        ("tags = 5 5", "xx.toml"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_where(write, text: str, problem: str):
    folder = write("xx", text)

    with pytest.raises(LanguageError, match=re.escape(problem)) as caught:
        Language.load("xx", folder=folder)
    assert str(folder / "xx.toml") in str(caught.value)


def test_a_file_of_another_version_or_none_at_all_is_an_error(tmp_path: Path):
    (tmp_path / "xx.toml").write_text('version = 2\nname = "Own"\n[tags]\n')

    with pytest.raises(LanguageError, match="version 2 is not known"):
        Language.load("xx", folder=tmp_path)
    with pytest.raises(LanguageError, match="cannot be read as a language file"):
        Language.load(str(tmp_path / "yy.toml"))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("de-CH, de;q=0.9, en;q=0.8", "de"),
        ("xx, fr;q=0.5, ja;q=0.7", "ja"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("zh-Hans-CN", "zh"),
        ("*;q=many, ;;;, it", "it"),
        ("xx", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_browsers_languages_are_taken_in_its_order(header: str | None, code: str):
    assert choose(header) == code


def test_the_closest_name_is_named_as_it_is_written():
    assert Language.load("de").closest("hunt", ["dog", "cat"]) == "Hund"
    assert Language.load("de").closest("qqqqq", ["dog", "cat"]) == ""

"""The names of tags in other languages than English, from one TOML file per language.

    version = 1
    name = "Deutsch"                # the language, in the language
    scripts = ["Latin"]             # of its letters, as Unicode calls them
    small_words = ["der", "und"]    # optional: frequent words that name nothing, to tell the language of a search
    without = ["ohne"]              # optional: before a tag in a search, photos of it are left out
    [letters]                       # optional: how people write a letter that their keyboard lacks
    "ä" = "ae"
    [tags]
    dog = ["Hund", "Welpe"]         # the name, then other words that a person would type
    tundra = []                     # nobody is sure: the tag stays English

The files in `languages/` ship with VectorTag. Nothing is read until a language is asked for.
"""

from __future__ import annotations

import difflib
import functools
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vectortag.core.errors import LanguageError, did_you_mean
from vectortag.core.files import read_text
from vectortag.core.folders import PACKAGE
from vectortag.core.schema import Schema, SchemaError, from_plain
from vectortag.core.text import LONGEST_NAME, composed, has_control_characters, normalise
from vectortag.model.taxonomy import Taxonomy

LANGUAGES = PACKAGE / "model" / "languages"
"""The folder of the shipped languages: the code of a language is the name of its file."""

ENGLISH = "en"

_LOOSE_LETTERS = dict.fromkeys(map(chr, range(0x300, 0x370)), "") | {
    "’": "'", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe",
}  # fmt: skip
_LOOSE = str.maketrans(_LOOSE_LETTERS)
"""To the loose form of a word, without the marks of Latin letters. The marks of Japanese kana tell words apart."""


class LanguageFile(Schema, frozen=True, kw_only=True):
    """The content of a language file; see the top of this module."""

    version: int
    name: str
    scripts: tuple[str, ...] = ("Latin",)
    small_words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    letters: Mapping[str, str] = {}
    tags: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Language:
    """One language's names of tags. Tags without a name, such as those that the user added, keep their own.

    Attributes:
        code: "de", or the path of the user's own file.
        title: the language's name in the language.
        tags: tag -> its name and its other words; a tag whose name is not sure has an empty tuple.
        letters: letter -> how people write it on a keyboard without it.
        small_words, without: normalised, as in its file; `without` are small words, too.
        scripts: of its letters, as Unicode calls them.

    >>> german = Language.load("de")
    >>> german.name("dog"), german.tag_of("hündin"), german.path("dog")
    ('Hund', 'dog', 'Tier|Hund')
    """

    code: str = ENGLISH
    title: str = "English"
    tags: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)
    letters: Mapping[str, str] = field(repr=False, default_factory=dict)
    small_words: frozenset[str] = field(repr=False, default=frozenset())
    without: frozenset[str] = field(repr=False, default=frozenset())
    scripts: tuple[str, ...] = field(repr=False, default=("Latin",))

    @classmethod
    def load(cls, language: str | None = None, *, folder: Path = LANGUAGES) -> Language:
        """Load a language; English, which is also None, reads no file.

        Args:
            language: a code, as in "de", "de-AT" or "de_DE.UTF-8"; or the path of a file that ends in ".toml".
            folder: of the files by code.

        Raises:
            LanguageError: there is no such language, or its file is wrong.
        """
        if language is None or _base(language) == ENGLISH:
            return cls()
        if language.lower().endswith(".toml"):
            return _read(Path(language), language)
        code = _base(language)
        if code not in (known := codes(folder)):
            raise LanguageError(
                f'no language "{language}".{did_you_mean(code, known)} There are: {", ".join(known)}; '
                "or name a file of your own that ends in .toml"
            )
        return _read(folder / f"{code}.toml", code)

    def name(self, tag: str) -> str:
        """The tag's name in this language; the tag itself if it has none."""
        words = self.tags.get(tag)
        return words[0] if words else tag

    def tag_of(self, word: str) -> str:
        """The tag that a word names, whatever its case; marks may be left out where only one tag is then meant.

        A word that this language does not know is returned as it is: it may be an added tag or an English name.
        """
        return self.tag_named(word) or word

    def tag_named(self, word: str) -> str | None:
        """As `tag_of`; None for a word that this language does not know."""
        if not self.tags:
            return None
        exact, loose = self._words
        return exact.get(normalise(word)) or loose.get(_loose(word))

    def renamed(self, names: Mapping[str, str]) -> Language:
        """The same with other names for some tags.

        >>> Language().renamed({"dog": "Rex"}).name("dog")
        'Rex'
        """
        if not names:
            return self
        return replace(
            self, tags={**self.tags, **{tag: (name, *self.tags.get(tag, ())) for tag, name in names.items()}}
        )

    def path(self, tag: str, taxonomy: Taxonomy | None = None, *, separator: str = "|") -> str:
        """The names from the topmost parent down to the tag. Of several parents, the one that is listed first.

        Args:
            taxonomy: of the tag's model. None: the one that ships.
        """
        implications = (taxonomy or _default_taxonomy()).implications
        tags = [tag]
        while parents := implications.get(tags[0]):
            tags.insert(0, parents[0])
        return separator.join(map(self.name, tags))

    def closest(self, word: str, tags: Iterable[str]) -> str:
        """The one of these tags whose name is most like a word, by its name in this language; "" if none is close."""
        names = {self.name(tag).lower(): self.name(tag) for tag in tags}
        close = difflib.get_close_matches(word.lower(), names, n=1)
        return names[close[0]] if close else ""

    @functools.cached_property
    def _words(self) -> tuple[dict[str, str], dict[str, str]]:
        """word -> tag, by the normal form of words and by their loose one, which leaves out what means two tags."""
        exact = {normalise(word): tag for tag, words in self.tags.items() for word in words}
        loose: dict[str, set[str]] = {}
        letters = str.maketrans({normalise(letter): spelt for letter, spelt in self.letters.items()})
        for word, tag in exact.items():
            for form in (word, word.translate(letters)):
                loose.setdefault(_loose(form), set()).add(tag)
        return exact, {word: tags.pop() for word, tags in loose.items() if len(tags) == 1}


def codes(folder: Path = LANGUAGES) -> list[str]:
    """The codes of all languages, English first."""
    return [ENGLISH, *sorted({file.stem for file in folder.glob("*.toml")} - {ENGLISH})]


def choose(accepted: str | None, *, folder: Path = LANGUAGES) -> str:
    """The first language of an Accept-Language header, by its weights, that there is; else English.

    >>> choose("gsw, de-CH;q=0.9, en;q=0.8")
    'de'
    """
    known, wished = codes(folder), []
    for position, part in enumerate((accepted or "").split(",")):
        name, _, weight = part.partition(";q=")
        try:
            wished.append((-float(weight or 1), position, _base(name)))
        except ValueError:
            continue
    return next((code for weight, _, code in sorted(wished) if code in known and weight < 0), ENGLISH)


def _base(language: str) -> str:
    """The code without country, script and encoding."""
    return language.strip().lower().replace("_", "-").split(".")[0].split("-")[0]


def _read(file: Path, code: str) -> Language:
    import tomllib

    try:
        read = from_plain(LanguageFile, tomllib.loads(read_text(file)))
    except (OSError, UnicodeDecodeError) as error:
        raise LanguageError(f"{file}: cannot be read as a language file: {error}") from error
    except (tomllib.TOMLDecodeError, SchemaError) as error:
        raise LanguageError(f"{file}: {error}") from error
    if read.version != 1:
        raise LanguageError(f"{file}: version {read.version} is not known to this VectorTag, which reads version 1")
    tags = {normalise(tag): tuple(map(composed, words)) for tag, words in read.tags.items()}
    _check_words(file, tags)
    without = frozenset(map(normalise, read.without))
    small_words = frozenset(map(normalise, read.small_words)) | without
    return Language(code, read.name, tags, read.letters, small_words, without, read.scripts)


def _check_words(file: Path, tags: Mapping[str, tuple[str, ...]]) -> None:
    taken: dict[str, str] = {}
    for tag, words in tags.items():
        for word in words:
            if not normalise(word) or len(word) > LONGEST_NAME or has_control_characters(word):
                raise LanguageError(f'{file}: "{tag}": a word has 1 to {LONGEST_NAME} characters, got {word!r}')
            if taken.setdefault(normalise(word), tag) != tag:
                raise LanguageError(f'{file}: "{word}" is listed under both "{taken[normalise(word)]}" and "{tag}"')


def _loose(word: str) -> str:
    return unicodedata.normalize("NFD", normalise(word)).translate(_LOOSE)


@functools.cache
def _default_taxonomy() -> Taxonomy:
    return Taxonomy.load()

"""The tag lists of a person's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import ConfigError, UnknownTagError
from vectortag.library.library import Library
from vectortag.library.lists import TagNames, keep_names, names_of, read_renames, read_tags
from vectortag.model.taxonomy import Taxonomy

TAXONOMY = Taxonomy(synonyms={"dog": ["puppy"]})


def test_a_list_of_words_or_a_file_with_comments(tmp_path: Path):
    (tmp_path / "tags.txt").write_text("# pets\ndog\n\n golden gate \n", encoding="utf-8")

    assert read_tags("dog, golden gate") == read_tags(str(tmp_path / "tags.txt")) == ("dog", "golden gate")
    assert read_tags("") == ()


def test_renames(tmp_path: Path):
    (tmp_path / "names.txt").write_text("automobile: Auto\ndog: Hund\n", encoding="utf-8")

    assert read_renames(str(tmp_path / "names.txt")) == {"automobile": "Auto", "dog": "Hund"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("dog", 'expected "tag: name"'), ("dog: ", 'expected "tag: name"'), ("a: X, b: x", 'two tags get the name "x"')],
)
def test_wrong_renames_say_what_is_wrong(text: str, problem: str):
    with pytest.raises(ConfigError, match=problem):
        read_renames(text)


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "tags.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"tags\.txt: cannot be read as a list"):
        read_tags(str(tmp_path / "tags.txt"))


class TestNames:
    def test_a_tag_is_shown_if_it_is_on_the_list_by_any_of_its_names(self):
        names = TagNames(only=("Auto", "dog"), renames={"automobile": "Auto"})

        assert [tag for tag in ("automobile", "dog", "cat") if names.shows(tag)] == ["automobile", "dog"]

    def test_a_hidden_tag_is_hidden_even_if_it_is_on_the_list(self):
        assert not TagNames(only=("dog",), hidden=("Dog",)).shows("dog")

    def test_the_way_there_and_back(self):
        names = TagNames(renames={"automobile": "Auto"})

        assert names.tag_of(names.shown_name("automobile")) == "automobile"
        assert names.tag_of("dog") == names.shown_name("dog") == "dog"

    def test_synonyms_become_tags(self):
        names = TagNames(only=("puppy",), hidden=("SEA",), renames={"Puppy": "Hund"})

        assert names.checked(["dog", "sea"], TAXONOMY) == TagNames(("dog",), ("sea",), {"dog": "Hund"})

    def test_an_unknown_tag_is_an_error_with_a_hint(self):
        with pytest.raises(UnknownTagError, match=r'no tag "seaa"\. Did you mean "sea"'):
            TagNames(hidden=("seaa",)).checked(["dog", "sea"], TAXONOMY)


def test_they_are_kept_in_a_library(tmp_path: Path):
    names = TagNames(("dog",), ("sea",), {"dog": "Hund"})
    with Library.open(tmp_path / "library.sqlite") as library:
        keep_names(library, names)
    with Library.open(tmp_path / "library.sqlite") as library:
        assert names_of(library) == names
        keep_names(library, TagNames())
        assert names_of(library) == TagNames()

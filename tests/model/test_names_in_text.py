"""The names of tags in a text."""

from __future__ import annotations

import pytest

from vectortag.model.language import Language
from vectortag.model.names_in_text import bare, longest_tag, names_in, names_inside, tags_by_name
from vectortag.model.taxonomy import Taxonomy

ENGLISH = Language()
TAG_OF = tags_by_name(("dog", "hot dog", "cat", "person"), Taxonomy(synonyms={"person": ["people"]}))


@pytest.mark.parametrize(
    ("name", "tag"), [("dog", "dog"), ("Dog", "dog"), ("people", "person"), ("lamp", None), ("", None)]
)
def test_a_tag_is_found_by_its_name_and_its_synonyms(name: str, tag: str | None):
    assert TAG_OF(name) == tag


@pytest.mark.parametrize(
    ("words", "found"),
    [("hot dog here", ("hot dog", 2)), ("Dogs, here", ("dog", 1)), ("here a dog", (None, 1)), ("", (None, 1))],
)
def test_the_longest_name_at_the_start_wins(words: str, found: tuple[str | None, int]):
    assert longest_tag(words.split(), ENGLISH, TAG_OF) == found


def test_words_that_are_no_name_are_between_the_names():
    assert list(names_in(["a", "hot", "dog", "and", "people"], ENGLISH, TAG_OF)) == [
        ("a", None),
        ("hot dog", "hot dog"),
        ("and", None),
        ("people", "person"),
    ]


def test_names_are_found_without_blanks_between_them():
    chinese = Language.load("zh")

    assert list(names_inside("猫和狗", chinese, TAG_OF)) == [("猫", "cat"), ("狗", "dog")]
    assert list(names_in(["猫和", "狗"], chinese, TAG_OF)) == [("猫", "cat"), ("狗", "dog")]


@pytest.mark.parametrize(("word", "expected"), [("Dogs!", "dogs"), ('"hot dog",', "hot dog"), ("...", "")])
def test_punctuation_around_a_word_does_not_count(word: str, expected: str):
    assert bare(word) == expected

"""What a sentence says before a network reads it: the tags that it names and leaves out."""

from __future__ import annotations

import pytest

from vectortag.model.language import Language
from vectortag.model.names_in_text import tags_by_name
from vectortag.model.sentence import read_sentence
from vectortag.model.taxonomy import Taxonomy

ENGLISH = Language()
TAG_OF = tags_by_name(
    ("dog", "beach", "person", "cat", "snow", "hat", "hot dog", "man"),
    Taxonomy(synonyms={"person": ["people"], "dog": ["puppy"]}),
)


def read(sentence: str, language: Language = ENGLISH, **options: bool):
    return read_sentence(sentence, TAG_OF, language, **options)


@pytest.mark.parametrize(
    ("sentence", "text", "without"),
    [
        ("two men without a dog", "two men", ("dog",)),
        ("a beach with no people", "a beach", ("person",)),
        ("without a dog", "", ("dog",)),
        ("a beach without dogs or cats", "a beach", ("dog", "cat")),
        ("snow without a hot dog, at night", "snow at night", ("hot dog",)),
        ("Two men WITHOUT any puppy!", "Two men", ("dog",)),
        ("a dog on a beach", "a dog on a beach", ()),
        ("not far from the sea", "not far from the sea", ()),
    ],
)
def test_a_tag_behind_without_is_left_out(sentence: str, text: str, without: tuple[str, ...]):
    reading = read(sentence)

    assert (reading.text, reading.without) == (text, without)
    assert bool(reading.notes) == bool(without)
    assert reading.doubts == ()


def test_what_is_no_tag_cannot_be_left_out_and_that_is_said():
    reading = read("two men without purple umbrellas")

    assert reading.text == "two men without purple umbrellas"
    assert "leaves nothing out" in reading.doubts[0]
    assert "--not" in reading.doubts[0]


def test_names_of_tags_are_translated_and_the_rest_is_said():
    reading = read("ein schlafender Hund am Strand")

    assert reading.text == "a photo of dog, beach"
    assert reading.notes == ("read as Deutsch: Hund = dog, Strand = beach",)
    assert "schlafender" in reading.doubts[0]


def test_one_tag_is_searched_as_a_word():
    assert read("der Hund").text == "dog"
    assert read("狗").text == "dog"


def test_a_sentence_without_a_tag_is_doubted():
    reading = read("die Nachbarn und wir bei der Hochzeit")

    assert reading.text == "die Nachbarn und wir bei der Hochzeit"
    assert "this reads as Deutsch" in reading.doubts[0]


def test_without_is_understood_in_the_language():
    reading = read("Strand ohne Hund", Language.load("de"))

    assert (reading.text, reading.without) == ("beach", ("dog",))
    assert reading.notes[0] == "left out: photos with Hund"


def test_an_encoder_gets_the_sentence_as_it_is_but_for_what_it_leaves_out():
    reading = read("ein Strand ohne Hund", Language.load("de"), translate=False)

    assert (reading.text, reading.without, reading.doubts) == ("ein Strand", ("dog",), ())

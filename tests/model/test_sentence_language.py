"""Which language a sentence is in."""

from __future__ import annotations

import pytest

from vectortag.model.language import Language, codes
from vectortag.model.sentence_language import language_of

ENGLISH = Language()


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("Hund am Strand", "de"),
        ("ein Mann mit einem Hut", "de"),
        ("un chien sur la plage", "fr"),
        ("un perro en la playa", "es"),
        ("un cane sulla spiaggia", "it"),
        ("um cão na praia", "pt"),
        ("een hond op het strand", "nl"),
        ("pies na plaży", "pl"),
        ("en hund på stranden", "sv"),
        ("pes na pláži", "cs"),
        ("sahilde bir köpek", "tr"),
        ("犬と猫", "ja"),
        ("ビーチの犬", "ja"),
        ("海滩上的狗", "zh"),
    ],
)
def test_the_language_of_a_sentence_is_recognised(sentence: str, code: str):
    assert language_of(sentence, ENGLISH).code == code


@pytest.mark.parametrize(
    "sentence",
    [
        *(
            "a cat asleep on a sofa",
            "two men without a dog",
            "on the beach",
            "sunset over Hamburg",
            "red",
            "me in Paris",
        ),
        *("an old man reading a newspaper", "kids running", "asdfgh", "people at a party", "die hard", "snow in June"),
        *("a bridge at night", "my mother", "grandma cooking pasta", "the Eiffel tower", "2024", "...", ""),
    ],
)
def test_english_stays_english(sentence: str):
    assert language_of(sentence, ENGLISH).code == "en"


def test_the_users_language_wins_where_a_word_may_be_in_two():
    assert language_of("Strand", ENGLISH).code == "en"
    assert language_of("Strand", Language.load("de")).code == "de"


@pytest.mark.parametrize("code", [code for code in codes() if code not in {"en", "ja", "zh"}])
def test_every_language_of_words_with_blanks_has_small_words_that_are_no_tags(code: str):
    language = Language.load(code)

    assert len(language.small_words) >= 40
    assert {word for word in language.small_words if language.tag_named(word)} == set()

"""Words that a reader takes for one are one."""

from __future__ import annotations

import unicodedata

import pytest

from vectortag.core.text import has_control_characters, normalise
from vectortag.model.taxonomy import Taxonomy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", unicodedata.normalize("NFD", "CAFÉ")),
        ("fish", "ﬁsh"),
        ("Straße", "STRASSE"),
        ("ΣΚΥΛΟΣ", "σκύλος".replace("ύ", "υ")),
        ("ＣＡＴ", "cat"),
        ("❤", "❤️"),
        ("sea\u00adside", "seaside"),
        ("golden\u00a0gate", "Golden Gate"),
        ("고양이", unicodedata.normalize("NFD", "고양이")),
    ],
)
def test_one_word_in_two_forms_is_one_tag(one: str, other: str):
    assert normalise(one) == normalise(other)
    assert Taxonomy().tags_of([one, other]) == {normalise(one)}


@pytest.mark.parametrize(
    ("word", "shown"), [("σκύλος", "σκύλος"), ("👨‍👩‍👧", "👨‍👩‍👧"), ("می‌خواهم", "می‌خواهم"), ("İzmir", "i̇zmir")]
)
def test_a_word_is_shown_as_it_is_written(word: str, shown: str):
    assert normalise(word) == shown


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2J", "a\u202eb", "\ud800", "a\u2028b"])
def test_what_no_name_may_hold(text: str):
    assert has_control_characters(text)


def test_a_taxonomy_file_may_be_in_another_form():
    text = unicodedata.normalize("NFD", '[synonyms]\n"Möwe" = ["Lachmöwe"]\n[implications]\n"möwe" = ["Vögel"]\n')

    assert Taxonomy.parse(text).tags_of(["lachmöwe"]) == {"möwe", "vögel"}

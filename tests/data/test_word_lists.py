"""The words of one cell: read right in every form that programs write, or refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectortag.core.errors import DataError
from vectortag.core.text import has_control_characters, normalise
from vectortag.data.word_lists import LONGEST_CELL, MISSING, parse_tags, split_keyword

TWO = [
    "['cat', 'pet']",
    "['cat' 'pet']",
    "['cat'\n 'pet']",
    '["cat", "pet"]',
    "[\"cat\" 'pet']",
    "('cat', 'pet')",
    "('cat' 'pet')",
    "{'cat', 'pet'}",
    "array(['cat', 'pet'], dtype='<U3')",
    "array(['cat', 'pet'], dtype=object)",
    "Index(['cat', 'pet'], dtype='object', name='tags')",
    "set(['cat', 'pet'])",
    "frozenset({'cat', 'pet'})",
    "[np.str_('cat'), np.str_('pet')]",
    "['cat'; 'pet']",
    "deque(['cat', 'pet'])",
    "OrderedSet(['cat', 'pet'])",
    "dict_keys(['cat', 'pet'])",
    "b'cat', b'pet'",
    "'cat', 'pet'",
    '"cat","pet"',
    "'cat' 'pet'",
    '"cat"|"pet"',
    "“cat”, “pet”",
    "cat, pet",
    "cat,pet,",
    "cat;pet",
    "cat ; pet;",
    "cat|pet",
    "cat\npet",
    "cat,\npet",
    "cat\tpet",
    "cat、pet",
    "cat，pet",
    "cat；pet",
    "- cat\n- pet",
    "* cat\n* pet",
]


@pytest.mark.parametrize(
    "cell",
    [
        "'cat', 'pet']",
        "cat, pet]",
        "[cat",
        "{cat; pet",
        "Counter({'cat': 2, 'pet': 1})",
        "<StringArray>\n['cat', 'pet']\nLength: 2, dtype: string",
        "0    cat\n1    pet\ndtype: object",
        "tags: ['cat', 'pet']",
        '=CONCAT("cat")',
    ],
)
def test_a_part_of_a_list_is_no_word(cell: str):
    with pytest.raises(DataError, match='column "tags" must be a list or comma-separated words'):
        parse_tags(cell)


@pytest.mark.parametrize("cell", TWO)
def test_two_words_in_each_form(cell: str):
    assert parse_tags(cell) == ("cat", "pet")


@pytest.mark.parametrize("cell", ["['Paris, France', 'dog']", '["Paris, France" "dog"]', '"Paris, France", "dog"'])
def test_a_quoted_word_keeps_its_commas(cell: str):
    assert parse_tags(cell) == ("Paris, France", "dog")


@pytest.mark.parametrize("cell", ["golden gate", "(old) house", "'tis the season", "rock 'n' roll", "AC/DC", "{a} b"])
def test_plain_words_stay_as_they_are(cell: str):
    assert parse_tags(cell) == (cell,)


def test_a_tag_may_hold_commas_and_both_kinds_of_quotes():
    assert parse_tags("""["dog's \\"house\\"", 'salt, pepper']""") == ('dog\'s "house"', "salt, pepper")


def test_what_numpy_prints_is_read():
    words = ["dog's house", 'a "b"', "Paris, France", "snow"] * 20

    assert parse_tags(str(np.array(words))) == tuple(words)
    assert parse_tags(repr(np.array(words))) == tuple(words)
    assert parse_tags(repr(list(np.array(words)))) == tuple(words)


@pytest.mark.parametrize("cell", ["", "  ", "[]", " , ,", "['', ' ']", "()", "set()", "{}", *MISSING, "NaN", "NULL"])
def test_a_photo_may_have_no_tags(cell: str):
    assert parse_tags(cell) == ()


@pytest.mark.parametrize("cell", ["['sea', ", "[1, 2]", "['sea', None]", "[sea]", "[open('x')]", "[" * 5000])
def test_what_begins_like_a_list_must_be_one(cell: str):
    with pytest.raises(DataError, match=r'x\.csv:7: column "tags" must be a list or comma-separated words, got "\['):
        parse_tags(cell, "x.csv:7")


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("dog, cat; bird", "commas and semicolons"),
        ("#dog #cat", "blanks between words"),
        ("['dog' ... 'cat']", 'shortened to "..."'),
        ("['dog''cat']", "nothing separates"),
        ("(dog, cat)", "'dog' where a word in quotes is expected"),
        ("{dog}", "'dog' where a word in quotes is expected"),
        ("['dog', nan]", "'nan' where a word in quotes is expected"),
        ("dog, nan", '"nan" among its words'),
        (str(np.array(["dog", np.nan])), '"nan" among its words'),
        ("['null']", '"null" among its words'),
        ("None;dog", '"None" among its words'),
        ('{"dog": 1}', "not every part is a word"),
        ('["dog", null]', "not every part is a word"),
        ('[["dog"], ["cat"]]', "not every part is a word"),
        ('"dog, cat', "quotes that do not fit"),
        ("dog', 'cat", "a list that has lost its ends"),
        ('dog","cat', "a list that has lost its ends"),
        ("-", "'-', which is punctuation"),
        ("dog, ?", "'?', which is punctuation"),
        ('["\\ud800"]', "control character"),
        ("['a\\x1b[31m']", "control character"),
        ("['\\x']", "broken word"),
        ("x" * 201, "a word of 201 characters"),
        ("a," * LONGEST_CELL, "characters; the limit is 20,000"),
    ],
)
def test_what_cannot_be_read_for_certain_is_named(cell: str, found: str):
    with pytest.raises(DataError) as caught:
        parse_tags(cell, "x.csv:7")

    assert found in str(caught.value)
    assert str(caught.value).startswith("x.csv:7: ")
    assert str(caught.value).endswith("Fix the row or pass --skip-bad-rows.")
    assert len(str(caught.value)) < 300


def test_a_keyword_that_lists_words_is_several_for_learning():
    assert split_keyword("dog, cat; bird") == ["dog", "cat", "bird"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="[](){}'\",;| \\nabu.\n0", max_size=60))
def test_any_cell_is_words_or_a_bad_row(cell: str):
    try:
        words = parse_tags(cell)
    except DataError:
        return

    assert all(word == word.strip() and word and not has_control_characters(word) for word in words)


PRINTED = st.text(min_size=1, max_size=20).filter(
    lambda word: word.isprintable() and word.strip().lower() not in MISSING
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PRINTED, max_size=5))
def test_lists_of_python_and_of_json_are_read_back(words: list[str]):
    expected = tuple(word.strip() for word in words)

    assert parse_tags(repr(words)) == parse_tags(json.dumps(words)) == expected
    assert parse_tags(json.dumps(words, ensure_ascii=False)) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20))
def test_the_normal_form_of_a_normal_form_is_itself(word: str):
    assert normalise(normalise(word)) == normalise(word)

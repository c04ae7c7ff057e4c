"""The fields of a query: what is written behind the colon, and what it becomes."""

from __future__ import annotations

import re

import pytest

from vectortag.core.errors import QueryError
from vectortag.library.query import Dated, Leaf, Named, Placed, Rated, Scored
from vectortag.library.query_fields import FIELDS, field_of
from vectortag.library.query_parser import parse_query


@pytest.mark.parametrize("name", FIELDS)
def test_every_example_that_an_error_gives_can_be_read(name: str):
    examples = [one.rstrip(",") for one in re.findall(rf"{name}:\S+", FIELDS[name])]

    assert examples
    for example in examples:
        assert isinstance(parse_query(example), Named | Scored | Dated | Placed | Rated)


@pytest.mark.parametrize(
    ("name", "value", "tail", "leaf"),
    [
        ("tag", "犬", "", Named("tag", "犬")),
        ("keyword", "Places|Italy", "", Named("keyword", "Places|Italy")),
        ("path", "my holiday/", "", Named("path", "my holiday/")),
        ("score", "dog>0.8", "", Scored("dog", ">", 0.8)),
        ("score", "dog<=1", "", Scored("dog", "<=", 1)),
        ("score", "golden gate", "≥.5", Scored("golden gate", ">=", 0.5)),
        ("score", "a>b", "<0.5", Scored("a>b", "<", 0.5)),
        ("rating", ">=4", "", Rated(">=", 4)),
        ("rating", "≤4", "", Rated("<=", 4)),
        ("rating", "3", "", Rated("=", 3)),
        ("rating", "-1", "", Rated("=", -1)),
        ("place", "48.14,11.58", "", Placed(48.14, 11.58, 10)),
        ("place", "-48.14,11.58,5km", "", Placed(-48.14, 11.58, 5)),
        ("date", "2024", "", Dated("2024", "2024")),
        ("date", "2024-7-1", "", Dated("2024-07-01", "2024-07-01")),
        ("date", "2024-02-29", "", Dated("2024-02-29", "2024-02-29")),
        ("date", "2024-07..2024-09", "", Dated("2024-07", "2024-09")),
        ("date", "2024-07..2024", "", Dated("2024-07", "2024")),
        ("date", "..2020", "", Dated(None, "2020")),
        ("date", "2020..", "", Dated("2020", None)),
    ],
)
def test_a_value_is_read(name: str, value: str, tail: str, leaf: Leaf):
    assert field_of(name, value, tail, 1) == leaf


@pytest.mark.parametrize(
    ("name", "value", "tail", "message"),
    [
        ("tag", "a", "b", "Put a space between them"),
        ("score", "dog", "", "a number from 0 to 1"),
        ("score", "dog>8", "", "a number from 0 to 1"),
        ("score", ">0.5", "", "a number from 0 to 1"),
        ("score", "dog>0.5x", "", "a number from 0 to 1"),
        ("score", "dog", "cat>0.5", "a number from 0 to 1"),
        ("rating", "9", "", "from -1 (rejected) to 5"),
        ("rating", "==3", "", "from -1 (rejected) to 5"),
        ("date", "July", "", "cannot be read"),
        ("date", "..", "", "cannot be read"),
        ("date", "0000", "", "cannot be read"),
        ("date", "2024-13", "", "is not a date"),
        ("date", "2023-02-29", "", "is not a date"),
        ("date", "2024..2020", "", "ends before it begins"),
        ("date", "2024-07-02..2024-07-01", "", "ends before it begins"),
        ("place", "91,0", "", "cannot be read"),
        ("place", "0,181", "", "cannot be read"),
        ("place", "1,2,3,4", "", "cannot be read"),
        ("place", "1,2,0", "", "cannot be read"),
        ("place", "nan,2", "", "cannot be read"),
    ],
)
def test_a_value_that_the_field_does_not_have_is_an_error_at_the_field(name: str, value: str, tail: str, message: str):
    with pytest.raises(QueryError, match=re.escape(message)) as caught:
        field_of(name, value, tail, 7)

    assert caught.value.column == 7

"""What is suggested while somebody types a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectortag.library.query_parser import parse_query
from vectortag.library.suggestions import Names, suggest

NAMES = Names(
    tags={"dog": 30, "hot dog": 4, "beach": 12, "bear": 9, "or chid": 0, "bulldog": 3},
    keywords={"Anna": 5, "Beate Müller": 2},
    folders={"/photos/Holiday in Spain/": 70, "/photos/2024/": 10},
    years={"2023": 5, "2024": 9},
    models={"lite2": 100},
)


def texts(query: str, at: int | None = None) -> list[str]:
    return [one.text for one in suggest(query, len(query) if at is None else at, NAMES)]


def completed(query: str, number: int = 0) -> str:
    """The query after a suggestion was taken."""
    one = suggest(query, len(query), NAMES)[number]
    return query[: one.start] + one.text + query[one.end :]


def test_names_that_begin_so_come_before_those_with_a_word_that_does_and_frequent_ones_first():
    assert texts("be")[:3] == ["beach ", "bear ", '"Beate Müller" ']
    assert texts("dog")[:3] == ["dog ", '"hot dog" ', "bulldog "]


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("sea and (be", "sea and (beach "),
        ("sea -be", "sea -beach "),
        ("hot d", '"hot dog" '),
        ('sea "hot', 'sea "hot dog" '),
        ('keyword:"beate', 'keyword:"Beate Müller" '),
        ("keyword:an", "keyword:Anna "),
        ("tag:bea", "tag:beach "),
        ("score:do", "score:dog>"),
        ("path:holi", 'path:"/photos/Holiday in Spain/" '),
        ("holi", 'path:"/photos/Holiday in Spain/" '),
        ("date:2024", "date:2024 "),
        ("model:", "model:lite2 "),
        ("rating:>=4", "rating:>=4 "),
        ("ratin", "rating:"),
    ],
)
def test_a_suggestion_takes_the_place_of_what_was_typed(typed: str, query: str):
    assert completed(typed) == query


def test_a_quote_that_closes_already_is_not_doubled():
    query = '"hot" sea'
    one = suggest(query, 4, NAMES)[0]

    assert query[: one.start] + one.text + query[one.end :].lstrip() == '"hot dog" sea'


def test_a_field_that_holds_anything_suggests_nothing():
    assert texts("near:be") == []
    assert texts("nosuchfield:be") == []


@given(st.text(alphabet='dogbe hct"():-ü„”>', max_size=12), st.integers(0, 14))
def test_every_text_gets_suggestions_without_an_error_and_they_fit_into_it(query: str, at: int):
    at = min(at, len(query))
    for one in suggest(query, at, NAMES):
        assert 0 <= one.start <= at <= one.end <= len(query)


@pytest.mark.parametrize("typed", ["d", "be", "hot d", "keyword:", "path:", "date:", "model:", "rating:", "an"])
def test_a_query_completed_from_nothing_else_can_be_read(typed: str):
    for number, one in enumerate(suggest(typed, len(typed), NAMES)):
        if one.kind != "field":
            parse_query(completed(typed, number))

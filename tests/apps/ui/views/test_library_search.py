"""The search of the library: its field and lists, and what of it is in the page's address."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest

from vectortag.apps.ui.library.page_query import LibraryQuery
from vectortag.apps.ui.library.selection import Selection
from vectortag.core.errors import LibraryError
from vectortag.library.stats import LibraryStats

pytest.importorskip("streamlit")
NOTHING = LibraryStats(0, 0, 0, 0, {}, {}, {}, {}, {})
COUNTED = replace(NOTHING, photos=1200, tags={"dog": 1100, "sea": 3}, years={"2024": 7}, folders={"/photos/holiday": 9})


@pytest.fixture
def field(draw: Any) -> Any:
    """field(query={"q": "dog"}): the field and its lists, and what they ask for as a text."""
    import streamlit as st

    from vectortag.apps.ui.views.library_search import query_of

    def show(stats: LibraryStats) -> None:
        query = query_of(stats)
        st.text(repr((query.text, list(query.tags), query.year, query.folder)))

    return lambda stats=COUNTED, **options: draw(show, stats, **options)


def asked(page: Any) -> tuple[Any, ...]:
    return tuple(ast.literal_eval(page.text[0].value))


def test_the_field_says_how_many_photos_it_searches(field: Any):
    assert field().text_input[0].label == "Search 1,200 photos"
    assert field(NOTHING).text_input[0].label == "Search the library"


def test_the_lists_say_how_many_photos_a_choice_would_find(field: Any):
    page = field(language="de")

    assert page.multiselect("with").options == ["Hund (1,100)", "sea (3)"]
    assert page.selectbox("year").options == ["2024 (7)"]
    assert page.selectbox("folder").options == ["/photos/holiday (9)"]


def test_a_session_begins_with_what_the_address_asks_for(field: Any):
    page = field(query={"q": "cat or dog", "with": ["dog", "sea"], "year": "2024", "folder": "/photos/holiday"})

    assert asked(page) == ("cat or dog", ["dog", "sea"], "2024", "/photos/holiday")


def test_what_is_in_the_address_is_kept_also_if_the_library_has_none_of_it(field: Any):
    page = field(NOTHING, query={"with": "dog", "year": "1999"})

    assert asked(page) == ("", ["dog"], "1999", None)
    assert page.selectbox("year").options == ["1999"]


def test_a_new_search_is_in_the_address_begins_at_its_first_page_and_nothing_is_ticked(field: Any):
    ticked = Selection({1, 2})
    page = field(query={"q": "dog", "page": "3", "photo": "7", "tag": "sea", "part": "Photos"}, selection=ticked)

    page.text_input[0].set_value("cat").run()

    assert asked(page)[0] == "cat"
    assert dict(page.query_params) == {"q": "cat", "part": "Photos"}
    assert ticked.rows == set()

    page.selectbox("year").select("2024").run()
    page.text_input[0].set_value("").run()
    assert dict(page.query_params) == {"year": "2024", "part": "Photos"}


class TestErrors:
    @pytest.fixture
    def failing(self, draw: Any) -> Any:
        from vectortag.apps.ui.views.library_search import search_errors

        def show(query: LibraryQuery, error: Exception | None) -> None:
            with search_errors(query):
                if error is not None:
                    raise error
                query.node()

        return lambda query, error=None: draw(show, query, error)

    def test_a_mark_stands_under_what_cannot_be_read(self, failing: Any):
        page = failing(LibraryQuery("dog and ("))

        assert page.error[0].value == "The search cannot be read:"
        first, mark, message = page.code[0].value.splitlines()
        assert (first, mark) == ("dog and (", " " * 9 + "^")
        assert message

    def test_what_the_library_says_is_shown_as_text(self, failing: Any):
        page = failing(LibraryQuery("dog"), LibraryError("**x**: the library is damaged"))

        assert page.error[0].value == r"\*\*x\*\*: the library is damaged"

    def test_a_search_that_can_be_done_says_nothing(self, failing: Any):
        assert len(failing(LibraryQuery("dog")).error) == 0

"""The photos that a search found, a page at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui.library import open_library, page_query
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery
from vectortag.apps.ui.library.selection import Selection

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, opened: OpenLibrary, monkeypatch: pytest.MonkeyPatch) -> Any:
    """view(LibraryQuery("dog"), query={"page": "2"}): three photos on a page."""
    from vectortag.apps.ui.views.library_grid import library_grid

    monkeypatch.setattr(open_library, "ON_A_PAGE", 3)
    monkeypatch.setattr(page_query, "ON_A_PAGE", 3)
    return lambda asked=None, **options: draw(library_grid, opened, asked or LibraryQuery(), **options)


def names(page: Any) -> list[str]:
    return [one.label for one in page.button if one.key and one.key.startswith("library-grid:") and one.label != "tick"]


def test_photos_are_counted_and_in_the_order_that_is_said(view: Any, said: Any, opened: OpenLibrary):
    page = view()

    assert "**7 photos**, newest first" in said(page)
    assert len(names(page)) == 3
    rows = opened.rows(None)[:3]
    assert [one.key for one in page.button if one.label in names(page)] == [f"library-grid:{row}" for row in rows]


def test_pages_are_turned_and_the_last_one_is_short(view: Any, click: Any, said: Any):
    page = view()
    assert page.button("turn-above-chevron_left").disabled

    page = click(click(page, "turn-above-chevron_right"), "turn-below-chevron_right")

    assert page.query_params["page"] == "3"
    assert len(names(page)) == 1
    assert "page 3 of 3" in said(page)
    assert page.button("turn-above-chevron_right").disabled


@pytest.mark.parametrize("asked", ["99", "0", "-1", "two", "²", "9" * 30])
def test_an_address_with_a_page_that_there_is_not_shows_the_nearest(view: Any, said: Any, asked: str):
    page = view(query={"page": asked})

    assert ("page 3 of 3" if asked == "99" else "page 1 of 3") in said(page)


def test_one_page_has_nothing_to_turn(view: Any, said: Any):
    page = view(LibraryQuery('path:"0.jpg"'))

    assert names(page) == ["0.jpg"]
    assert not any("turn" in (one.key or "") for one in page.button)


def test_what_was_understood_of_a_search_is_told(view: Any, said: Any):
    assert any("dog" in one.value for one in view(LibraryQuery("puppy")).caption)


def test_a_search_that_cannot_be_read_shows_no_photos(view: Any):
    page = view(LibraryQuery("dog and ("))

    assert page.error[0].value == "The search cannot be read:"
    assert names(page) == []


def test_photos_are_ticked_page_by_page_only_where_that_is_of_use(
    view: Any, click: Any, start: Any, opened: OpenLibrary, library_home: Path
):
    assert "tick" not in [one.label for one in view().button]
    start("--library", library_home, "--edit")
    ticked, rows = Selection(), opened.rows(None)
    page = view(selection=ticked)

    page = click(page, f"library-grid:{rows[0]}:tick")
    page = click(page, "turn-above-chevron_right")
    page = click(page, f"library-grid:{rows[4]}:tick")
    page = click(page, f"library-grid:{rows[5]}:tick")
    page = click(page, f"library-grid:{rows[4]}:tick")

    assert ticked.rows == {rows[0], rows[5]}


def test_a_photo_is_opened_by_its_row_without_the_tag_of_another(draw: Any):
    from vectortag.apps.ui.views.library_grid import open_photo

    page = draw(open_photo, "7", query={"tag": "dog", "page": "2"})

    assert dict(page.query_params) == {"photo": "7", "page": "2"}

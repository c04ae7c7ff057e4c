"""What a visitor's search of the library means."""

from __future__ import annotations

import pytest

from vectortag.apps.ui.library.page_query import ON_A_PAGE, LibraryQuery, error_text, page_count
from vectortag.core.errors import QueryError
from vectortag.library.query_parser import parse_query


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        (LibraryQuery("dog -person"), "dog and not person"),
        (LibraryQuery("dog or cat", ["our boat"]), '(dog or cat) and tag:"our boat"'),
        (LibraryQuery("dog cat beach", year="2024"), "dog cat beach and date:2024"),
        (LibraryQuery("", ["sea"], "2024", "/photos/our year/"), 'tag:sea and date:2024 and path:"/photos/our year/"'),
        (LibraryQuery("", ["sea"]), "tag:sea"),
    ],
)
def test_what_is_chosen_from_the_lists_narrows_what_is_typed(asked, means):
    assert asked.node() == parse_query(means)


def test_nothing_asked_for_is_no_query():
    assert LibraryQuery("  ").node() is None


def test_an_error_is_marked_where_it_is_in_the_text_that_was_typed():
    with pytest.raises(QueryError) as caught:
        LibraryQuery("sea and dgo:x", ["dog"]).node()

    typed, mark, message = error_text("sea and dgo:x", caught.value).splitlines()

    assert typed[mark.index("^") :] == "dgo:x"
    assert "column" not in message


@pytest.mark.parametrize("found", [0, 1, ON_A_PAGE, ON_A_PAGE + 1, 100_000])
def test_the_pages_hold_all_photos_and_none_is_empty(found):
    pages = page_count(found)

    assert (pages - 1) * ON_A_PAGE < max(found, 1) <= pages * ON_A_PAGE

"""One photo of the library: its heat maps and tags, and the way to its neighbours among the photos found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui.library import page_query
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, opened: OpenLibrary) -> Any:
    """view(row, LibraryQuery("dog")): a photo of the library."""
    from vectortag.apps.ui.views.library_photo import library_photo

    return lambda row, asked=None, **options: draw(library_photo, opened, asked or LibraryQuery(), row, **options)


@pytest.fixture
def rows(opened: OpenLibrary) -> list[int]:
    return opened.rows(None)


@pytest.fixture
def _editing(start: Any, library_home: Path) -> None:
    start("--library", library_home, "--edit")


def tags_on(opened: OpenLibrary, row: int) -> Mapping[str, float | None]:
    with opened.using() as library:
        photo = library.photo(row)
        assert photo is not None
        return library.tags_on(photo)


@pytest.mark.parametrize(
    ("named", "expected"), [("7", 7), ("", None), ("-1", None), ("seven", None), ("²", None), ("9" * 19, None)]
)
def test_the_address_names_a_photo_by_its_row(draw: Any, named: str, expected: int | None):
    import streamlit as st

    from vectortag.apps.ui.views.library_photo import chosen_row

    assert draw(lambda: st.text(repr(chosen_row())), query={"photo": named}).text[0].value == repr(expected)


class TestTheWay:
    def test_the_neighbours_are_those_of_the_search(self, view: Any, click: Any, said: Any, rows: list[int]):
        page = view(rows[3], query={"photo": str(rows[3]), "tag": "dog"})
        assert "4 of 7" in said(page)

        page = click(page, "turn-photo-chevron_right")

        assert dict(page.query_params) == {"photo": str(rows[4])}

    def test_the_ends_have_one_neighbour(self, view: Any, rows: list[int]):
        first, last = view(rows[0]), view(rows[-1])

        assert first.button("turn-photo-chevron_left").disabled
        assert not first.button("turn-photo-chevron_right").disabled
        assert not last.button("turn-photo-chevron_left").disabled
        assert last.button("turn-photo-chevron_right").disabled

    def test_the_way_back_leads_to_the_page_of_the_photo(
        self, view: Any, click: Any, rows: list[int], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(page_query, "ON_A_PAGE", 3)

        page = click(view(rows[4], query={"photo": str(rows[4]), "tag": "dog"}), "All photos found")

        assert dict(page.query_params) == {"page": "2"}

    def test_a_photo_that_is_not_found_any_more_keeps_its_place(
        self, view: Any, click: Any, said: Any, opened: OpenLibrary, rows: list[int]
    ):
        with opened.using() as library:
            photo = library.photo(rows[3])
        assert photo is not None

        page = view(rows[3], LibraryQuery(f"path:holiday not path:{photo.path.name}"), photo_place=3)
        assert "not in this search" in said(page)

        assert click(page, "turn-photo-chevron_right").query_params["photo"] == str(rows[4])


class TestTags:
    def test_those_of_the_library_are_shown_with_the_heat_map_of_the_first(
        self, view: Any, said: Any, opened: OpenLibrary, rows: list[int]
    ):
        tags = list(tags_on(opened, rows[0]))

        page = view(rows[0])

        listed = [one.key for one in page.button if one.key and one.key.startswith("library-tags:")]
        assert listed[: len(tags)] == [f"library-tags:{tag}" for tag in tags]
        assert f"chosen tag: {tags[0]}" in said(page)
        assert any(text.startswith("picture: ") and f'"{tags[0]}"' in text for text in said(page))

    def test_without_leave_to_edit_there_are_no_thumbs_and_no_field(self, view: Any, rows: list[int]):
        page = view(rows[0])

        assert not any((one.key or "").endswith((":yes", ":no")) for one in page.button)
        assert len(page.selectbox) == 0

    @pytest.mark.usefixtures("_editing")
    def test_a_thumb_decides_and_the_same_thumb_takes_it_back(
        self, view: Any, click: Any, said: Any, opened: OpenLibrary, rows: list[int]
    ):
        tag = next(iter(tags_on(opened, rows[0])))

        page = click(view(rows[0]), f"library-tags:{tag}:no")
        assert tag not in tags_on(opened, rows[0])
        assert f"{tag} is wrong" in said(page)

        page = click(page, f"library-tags:{tag}:no")
        assert tag in tags_on(opened, rows[0])
        assert f"{tag} is wrong" not in said(page)

    @pytest.mark.usefixtures("_editing")
    def test_a_word_of_ones_own_is_added_shown_apart_and_removed(
        self, view: Any, click: Any, said: Any, opened: OpenLibrary, rows: list[int]
    ):
        page = view(rows[0], **{"photo-tag-0": "Anna"})  # as if it was typed
        assert "Anna" in tags_on(opened, rows[0])
        assert "Your tags:" in said(page)
        assert page.selectbox[0].value is None  # the field is empty again

        click(page, "own-Anna")
        assert "Anna" not in tags_on(opened, rows[0])

    def test_a_tag_has_the_name_that_it_was_given_on_this_photo(self, view: Any, opened: OpenLibrary, rows: list[int]):
        opened.change(lambda library: library.accept_on([rows[0]], "dog"))
        opened.change(lambda library: library.rename_on([rows[0]], "dog", "Rex"))

        labels = {one.key: one.label for one in view(rows[0], language="de").button}

        assert labels["library-tags:dog"] == "Rex"


class TestWhatIsMissing:
    def test_a_photo_that_the_library_has_no_more(self, view: Any, said: Any):
        assert "The library has no such photo any more." in said(view(10**9))

    def test_a_file_that_is_gone_is_named_and_what_is_known_is_shown(
        self, view: Any, said: Any, opened: OpenLibrary, rows: list[int]
    ):
        with opened.using() as library:
            photo = library.photo(rows[0])
        assert photo is not None
        photo.path.unlink()

        page = view(rows[0])

        assert "is not there, or is a link out of the library's folder" in page.warning[0].value
        assert any(f"File: `{photo.path.name}`" in text for text in said(page))

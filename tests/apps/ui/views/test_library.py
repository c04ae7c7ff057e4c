"""The view "Library": its parts, and what it says where there is no library or none that can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any) -> Any:
    from vectortag.apps.ui.views import library

    return lambda **options: draw(library.show, **options)


def parts(page: Any) -> list[str]:
    return list(page.segmented_control("part").options)


def test_without_a_library_it_says_what_one_is_for_and_how_to_make_one(view: Any):
    page = view()

    assert "It never changes a photo." in page.markdown[0].value
    assert page.code[0].value == "vectortag library add ~/Pictures\nvectortag ui --edit"
    assert len(page.segmented_control) == 0


def test_a_library_that_cannot_be_opened_is_named(view: Any, start: Any, tmp_path: Path):
    (tmp_path / "broken.sqlite").write_bytes(b"no library")
    start("--library", tmp_path / "broken.sqlite")

    assert "broken.sqlite" in view().error[0].value


def test_without_leave_to_edit_it_is_only_shown_and_says_how_to_change_that(
    view: Any, said: Any, start: Any, library_home: Path
):
    start("--library", library_home)

    page = view()

    assert parts(page) == ["Photos", "Duplicates"]
    assert any("To change tags and write sidecars, start the page with `vectortag ui --edit`." in t for t in said(page))
    assert "Export" not in [button.label for button in page.button]
    assert not any(button.label == "Write sidecars …" for button in page.button)


def test_with_leave_to_edit_a_tag_can_be_taught(view: Any, said: Any, start: Any, library_home: Path):
    start("--library", library_home, "--edit")

    page = view(query={"part": "Teach"})

    assert parts(page) == ["Photos", "Duplicates", "Teach"]
    assert not any("vectortag ui --edit" in text for text in said(page))
    assert "Begin" in [button.label for button in page.button]


def test_the_address_names_a_part_or_a_photo(view: Any, said: Any, start: Any, library_home: Path):
    start("--library", library_home)

    assert "Look for duplicates" in [button.label for button in view(query={"part": "Duplicates"}).button]
    assert "All photos found" in [button.label for button in view(query={"photo": "1"}).button]
    assert "**7 photos**, newest first" in said(view())


def test_teaching_is_not_to_be_had_by_its_address_alone(view: Any, start: Any, library_home: Path):
    start("--library", library_home)

    assert "Begin" not in [button.label for button in view(query={"part": "Teach"}).button]

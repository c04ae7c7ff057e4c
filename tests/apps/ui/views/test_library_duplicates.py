"""Photos of the library that show one picture: which to keep, or that they are no duplicates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.library.duplicate_decisions import decisions_of
from vectortag.library.library import Library

pytest.importorskip("streamlit")


@pytest.fixture
def doubled(library_home: Path, tiny_model: Path, tmp_path: Path) -> Iterator[OpenLibrary]:
    """A library where 0.jpg is there twice, and 1.jpg three times."""
    for name, copies in (("0.jpg", 1), ("1.jpg", 2)):
        for number in range(copies):
            shutil.copy(tmp_path / "holiday" / name, tmp_path / "holiday" / f"copy{number} of {name}")
    with Library.open(library_home) as library:
        library.update(model=tiny_model)
    opened = OpenLibrary(library_home)
    yield opened
    opened.jobs.wait()
    with opened.using() as used:
        used.close()


@pytest.fixture
def looked(doubled: OpenLibrary) -> OpenLibrary:
    """The same, after its duplicates were looked for."""
    with doubled.using() as library:
        doubled.duplicates = list(library.duplicates().groups)
    return doubled


@pytest.fixture
def view(draw: Any) -> Any:
    from vectortag.apps.ui.views.library_duplicates import duplicates

    return lambda library: draw(duplicates, library)


@pytest.fixture
def _editing(start: Any, library_home: Path) -> None:
    start("--library", library_home, "--edit")


def keep_buttons(page: Any) -> list[str]:
    return [one.key for one in page.button if one.label == "Keep this one"]


def test_they_are_looked_for_when_asked_and_in_the_background(view: Any, click: Any, doubled: OpenLibrary):
    page = view(doubled)
    assert doubled.duplicates is None

    click(page, "Look for duplicates")
    doubled.jobs.wait()

    assert sorted(len(group.photos) for group in doubled.duplicates or ()) == [2, 3]


def test_without_leave_to_edit_they_are_only_looked_at(view: Any, said: Any, looked: OpenLibrary):
    page = view(looked)

    assert any(text.startswith("**1 of 2**: ") for text in said(page))
    assert keep_buttons(page) == []
    assert "Not duplicates" not in [one.label for one in page.button]


@pytest.mark.usefixtures("_editing")
def test_one_is_kept_and_no_photo_is_deleted(view: Any, click: Any, said: Any, looked: OpenLibrary, tmp_path: Path):
    before = sorted((tmp_path / "holiday").iterdir())
    page = view(looked)
    count = len(keep_buttons(page))

    page = click(page, keep_buttons(page)[0])

    with looked.using() as library:
        (decided,) = decisions_of(library)
    assert decided.kept in decided.photos
    assert len(decided.superfluous) == count - 1
    assert sorted((tmp_path / "holiday").iterdir()) == before
    assert any("need not be kept. They are where they were." in text for text in said(page)) or count == 2
    assert any(text.startswith("**1 of 1**") for text in said(page))


@pytest.mark.usefixtures("_editing")
def test_all_decided_is_told_and_a_decision_is_taken_back(view: Any, click: Any, said: Any, looked: OpenLibrary):
    page = view(looked)
    for _ in range(2):
        page = click(page, "Not duplicates")
    assert "Nothing is left to decide." in said(page)
    assert [one.label for one in page.expander] == ["Decided: 2"]

    page = click(page, "duplicate-0")

    assert any(text.startswith("**1 of 1**") for text in said(page))


def test_a_group_that_is_skipped_comes_again(view: Any, click: Any, said: Any, looked: OpenLibrary):
    page = view(looked)
    first = page.text[0].value

    page = click(page, "Skip")
    assert any(text.startswith("**2 of 2**") for text in said(page))
    assert page.text[0].value != first

    assert click(page, "Skip").text[0].value == first
    with looked.using() as library:
        assert decisions_of(library) == []


def test_a_photo_that_is_gone_meanwhile_is_not_shown(view: Any, looked: OpenLibrary):
    group = (looked.duplicates or [])[0]
    group.photos[0].unlink()

    shown = [one.value.partition(";")[0] for one in view(looked).text]

    assert group.photos[0].name not in shown
    assert len(shown) == len(group.photos) - 1


def test_without_duplicates_that_is_said(view: Any, said: Any, opened: OpenLibrary):
    opened.duplicates = []

    assert "No two photos show one picture." in said(view(opened))

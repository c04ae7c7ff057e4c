"""The library that all sessions share."""

from __future__ import annotations

import threading

import pytest

from vectortag.apps.ui import open_library
from vectortag.apps.ui.library_query import LibraryQuery
from vectortag.apps.ui.open_library import OpenLibrary, file_of
from vectortag.apps.ui.settings import Settings
from vectortag.library.library import Library
from vectortag.library.stats import LibraryStats

EVERYTHING = LibraryQuery("path:holiday").node()


@pytest.mark.parametrize("query", [None, EVERYTHING])
def test_a_page_has_its_photos_and_the_count_of_all(opened, monkeypatch, query):
    monkeypatch.setattr(open_library, "ON_A_PAGE", 3)

    pages = [opened.page(query, number) for number in (1, 2, 3)]

    assert [len(page.matches) for page in pages] == [3, 3, 1]
    assert [match.photo for page in pages for match in page.matches] == opened.rows(query) == opened.rows(EVERYTHING)
    assert {page.count for page in pages} == {7}


def test_the_tags_are_those_of_the_model(opened, tagger):
    assert opened.tags() == sorted(tagger.tags)


def counted(opened: OpenLibrary) -> LibraryStats | None:
    """What the library holds now."""
    opened.counted()
    opened.wait()
    return opened.counted()


def test_the_counts_follow_what_another_process_does(opened, library_home, tmp_path):
    assert counted(opened).photos == 7
    assert counted(opened) is counted(opened)

    with Library.open(library_home) as other:
        other.remove(tmp_path / "holiday")

    assert opened.counted().photos == 7  # until it is counted again, in the background
    assert counted(opened).photos == 0


def test_it_answers_in_any_thread(opened):
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(opened.page(EVERYTHING, 1).count)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [7] * 4


def test_without_a_named_library_it_is_the_users_own_if_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path))
    assert file_of(Settings()) is None
    assert file_of(Settings(library=tmp_path / "other.sqlite")) == tmp_path / "other.sqlite"

    with Library.open():
        pass

    assert file_of(Settings()) == tmp_path / "library.sqlite"

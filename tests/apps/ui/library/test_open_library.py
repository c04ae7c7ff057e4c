"""The library that all sessions share."""

from __future__ import annotations

import threading

import pytest

from vectortag.apps.ui.library import open_library
from vectortag.apps.ui.library.open_library import OpenLibrary, file_of
from vectortag.apps.ui.library.page_query import LibraryQuery
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


def test_the_photos_around_one_are_those_before_and_behind_it(opened, monkeypatch):
    monkeypatch.setattr(open_library, "AROUND", 2)

    for query in (None, EVERYTHING):
        rows = opened.rows(query)
        found = [[match.photo for match in opened.around(query, place).matches] for place in (0, 3, 6)]
        assert found == [rows[:3], rows[1:6], rows[4:]]


def test_the_tags_are_those_of_the_model_and_the_persons_own(opened, tagger):
    opened.change(lambda library: library.accept_on([1], "Anna", own=True))

    assert opened.tags() == sorted([*tagger.tags, "Anna"], key=str.casefold)


def test_changes_are_undone_the_last_one_first(opened):
    opened.change(lambda library: library.accept_on([1, 2], "boat"))
    opened.change(lambda library: library.reject_on([2], "boat"))
    assert verdicts(opened) == {1: "accepted", 2: "rejected"}

    opened.undo()
    assert verdicts(opened) == {1: "accepted", 2: "accepted"}
    assert (opened.last_change.tag, opened.last_change.verdict) == ("boat", "accepted")
    opened.undo()
    opened.undo()
    assert verdicts(opened) == {}
    assert opened.last_change is None


def verdicts(opened: OpenLibrary) -> dict[int, str]:
    """What was decided on the tag "boat", by row."""
    with opened.using() as library:
        photos = [library.photo(row) for row in range(1, 8)]
    return {one.row: one.decisions["boat"].verdict for one in photos if one and "boat" in one.decisions}


def test_the_names_for_suggestions_are_counted_and_hold_the_tags_that_no_photo_shows(opened, tagger):
    assert set(opened.names().tags) == set(tagger.tags)
    opened.wait()

    names, stats = opened.names(), counted(opened)
    assert set(names.tags) == set(tagger.tags)
    assert {tag: count for tag, count in names.tags.items() if count} == stats.tags
    assert names.folders == stats.folders


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

"""The folders of a library: added, joined, moved, removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import LibraryError
from vectortag.library.library import Library
from vectortag.library.update import Updated

Rows = Callable[..., list[Any]]


class TestAdding:
    def test_a_folder_within_a_root_adds_nothing(self, library: Library, photos: Path):
        assert library.add(photos / "in").path == photos
        assert len(library.roots()) == 1

    def test_a_folder_around_a_root_takes_its_photos_over(
        self, library: Library, photos: Path, tmp_path: Path, update: Callable[..., Updated], rows: Rows
    ):
        update()
        outer = tmp_path / "outer"
        outer.mkdir()
        photos.rename(outer / "photos")
        library.relocate(photos, outer / "photos")

        library.add(outer)

        assert [root.path for root in library.roots()] == [outer]
        assert rows("SELECT path FROM photos ORDER BY path")[0] == "photos/a.jpg"
        done = update()
        assert (done.seen.unchanged, done.analysed) == (4, 0)

    def test_a_folder_that_is_missing_is_an_error(self, library: Library, tmp_path: Path):
        with pytest.raises(LibraryError, match=r"no such folder\. Name the folder that holds the photos"):
            library.add(tmp_path / "gone")

    def test_a_folder_may_be_named_from_where_one_is(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path)

        assert library.add("here").path == tmp_path / "here"


class TestRelocating:
    @pytest.fixture
    def moved(self, library: Library, photos: Path, tmp_path: Path, update: Callable[..., Updated]) -> Path:
        update()
        return Path(shutil.move(photos, tmp_path / "new"))

    def test_keeps_all_that_is_known(self, library: Library, photos: Path, moved: Path, update: Callable[..., Updated]):
        library.relocate(photos, moved)

        done = update()
        assert (done.seen.unchanged, done.seen.new, done.analysed) == (4, 0, 0)

    def test_to_a_copy_with_other_times_tags_nothing_again(
        self, library: Library, photos: Path, moved: Path, update: Callable[..., Updated]
    ):
        for photo in moved.rglob("*.*"):
            os.utime(photo, (1, 1))
        library.relocate(photos, moved)

        done = update()
        assert (done.seen.changed, done.read, done.analysed) == (4, 4, 0)

    def test_to_a_folder_without_the_photos_is_refused(
        self, library: Library, photos: Path, moved: Path, tmp_path: Path
    ):
        (tmp_path / "other").mkdir()

        with pytest.raises(LibraryError, match="holds 0 of 4 photos"):
            library.relocate(photos, tmp_path / "other")

        assert [root.path for root in library.roots()] == [photos]

    def test_to_a_folder_with_other_photos_of_the_same_size_is_refused(
        self, library: Library, photos: Path, moved: Path
    ):
        for photo in moved.rglob("*.*"):
            photo.write_bytes(bytes(photo.stat().st_size))

        with pytest.raises(LibraryError, match="is not the photo that was in"):
            library.relocate(photos, moved)

    def test_of_a_folder_that_is_no_root_names_those_that_are(self, library: Library, photos: Path, tmp_path: Path):
        with pytest.raises(LibraryError, match=f"Its folders: {photos}"):
            library.relocate(tmp_path / "x", photos)

    def test_into_another_root_is_refused(self, library: Library, photos: Path, tmp_path: Path):
        (tmp_path / "other" / "inner").mkdir(parents=True)
        library.add(tmp_path / "other")

        with pytest.raises(LibraryError, match="overlaps"):
            library.relocate(photos, tmp_path / "other" / "inner")


class TestRemoving:
    def test_forgets_photos_and_analyses_and_keeps_files_and_decisions(
        self, library: Library, photos: Path, update: Callable[..., Updated], rows: Rows
    ):
        update()
        library.database.execute(
            "INSERT INTO decisions SELECT content, 'dog', 'rejected', NULL, 1 FROM photos WHERE path = 'a.jpg'"
        )

        assert library.remove(photos) == 4

        assert [rows(f"SELECT count(*) FROM {table}") for table in ("photos", "analyses", "shown", "decisions")] == [
            [0],
            [0],
            [0],
            [1],
        ]
        assert (photos / "a.jpg").exists()

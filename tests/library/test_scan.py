"""What a look through the folders of a library finds, and what it never forgets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.library import folders
from vectortag.library.library import Library
from vectortag.library.mounts import Mount
from vectortag.library.scan import scan

Rows = Callable[..., list[Any]]
THERE = "SELECT path FROM photos WHERE gone IS NULL ORDER BY path"
ALL = ["a.jpg", "b.jpg", "in/c.jpg", "in/deep/d.png"]


class TestALook:
    def test_makes_every_photo_a_row_once(self, library: Library, rows: Rows):
        first, second = scan(library.database), scan(library.database)

        assert rows(THERE) == ALL
        assert (first.photos, first.new, second.photos, second.new, second.unchanged) == (4, 4, 4, 0, 4)

    def test_finds_what_is_new_changed_gone_and_back(self, library: Library, photos: Path, rows: Rows):
        scan(library.database)
        (photos / "e.jpg").write_bytes(b"new")
        (photos / "a.jpg").write_bytes(b"changed")
        (photos / "b.jpg").rename(photos.parent / "b.jpg")

        seen = scan(library.database)
        assert (seen.new, seen.changed, seen.gone, seen.unchanged) == (1, 1, 1, 2)
        assert rows(THERE) == ["a.jpg", "e.jpg", "in/c.jpg", "in/deep/d.png"]

        (photos.parent / "b.jpg").rename(photos / "b.jpg")
        seen = scan(library.database)
        assert (seen.new, seen.changed, seen.gone, seen.unchanged) == (0, 0, 0, 5)
        assert rows("SELECT count(*) FROM photos WHERE path = 'b.jpg'") == [1]

    def test_marks_the_photos_of_a_folder_that_is_gone(self, library: Library, photos: Path, rows: Rows):
        scan(library.database)
        shutil.rmtree(photos / "in")

        assert scan(library.database).gone == 2
        assert scan(library.database).gone == 0
        assert rows(THERE) == ["a.jpg", "b.jpg"]
        assert rows("SELECT count(*) FROM photos") == [4]

    def test_leaves_out_what_a_rule_excludes(self, library: Library, photos: Path, rows: Rows):
        scan(library.database)
        (photos / ".vectortagignore").write_text("deep/\n")
        (photos / "in" / ".nomedia").touch()

        seen = scan(library.database)

        assert rows(THERE) == ["a.jpg", "b.jpg"]
        assert seen.left_out.counts["nomedia"] == 1

    def test_takes_no_folder_for_a_photo(self, library: Library, photos: Path):
        (photos / "folder.jpg").mkdir()

        assert scan(library.database).photos == 4

    def test_does_not_mind_a_link_to_nothing(self, library: Library, photos: Path):
        (photos / "x.jpg").symlink_to("nowhere")

        assert scan(library.database).photos == 4

    def test_keeps_names_that_are_not_utf8_and_names_that_sort_oddly(self, library: Library, photos: Path, rows: Rows):
        odd = [b"caf\xe9.jpg", b"in!/z.jpg", b"in0/z.jpg", "in/é/f.jpg".encode(), "\U0010fffd.jpg".encode()]
        for name in odd:
            path = photos / os.fsdecode(name)
            path.parent.mkdir(exist_ok=True)
            path.touch()

        first, second = scan(library.database), scan(library.database)

        assert (first.new, second.new, second.gone, second.unchanged) == (9, 0, 0, 9)
        assert r"caf\xe9.jpg" in rows(THERE)

    def test_that_is_stopped_marks_nothing_as_gone(self, library: Library, photos: Path, rows: Rows):
        scan(library.database)
        shutil.rmtree(photos / "in")
        (photos / "a.jpg").unlink()

        seen = scan(library.database, stop=lambda: True)

        assert seen.stopped
        assert rows(THERE) == ALL


class TestASidecar:
    def test_that_changes_makes_the_notes_of_its_photo_stale(self, library: Library, photos: Path, rows: Rows):
        scan(library.database)
        (photos / "a.jpg.xmp").touch()
        (photos / "in" / "c.xmp").touch()

        seen = scan(library.database)

        assert (seen.unchanged, seen.changed) == (4, 0)
        stale = [row for row, _ in seen.stale]
        assert stale == rows("SELECT id FROM photos WHERE path IN ('a.jpg', 'in/c.jpg') ORDER BY path")


class TestAnOfflineRoot:
    @pytest.fixture(autouse=True)
    def known(self, library: Library) -> None:
        scan(library.database)
        library.database.execute("UPDATE photos SET content = randomblob(16)")

    def why(self, library: Library) -> str:
        (root,) = library.roots()
        return root.why or ""

    def test_is_one_that_is_missing_and_keeps_its_photos(self, library: Library, photos: Path, rows: Rows):
        photos.rename(photos.parent / "elsewhere")

        seen = scan(library.database)

        assert (seen.photos, seen.gone, rows(THERE)) == (0, 0, ALL)
        assert self.why(library) == "it is missing"
        assert rows("SELECT state FROM roots") == ["offline"]

    def test_is_one_that_is_suddenly_empty(self, library: Library, photos: Path, rows: Rows):
        shutil.rmtree(photos)
        photos.mkdir()

        scan(library.database)

        assert rows(THERE) == ALL
        assert "it has no photos any more" in self.why(library)

    def test_is_one_whose_drive_is_not_mounted_though_other_photos_lie_there(
        self, library: Library, photos: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
    ):
        shutil.rmtree(photos)
        photos.mkdir()
        (photos / "left-behind.jpg").touch()
        library.database.execute("UPDATE roots SET mount = '/media/drive'")

        scan(library.database)

        assert rows(THERE) == ALL
        assert self.why(library) == "it was on /media/drive, which is not mounted there now"

    def test_is_not_one_that_is_on_another_drive_with_the_same_photos(self, library: Library, rows: Rows):
        library.database.execute("UPDATE roots SET mount = '/media/drive'")

        scan(library.database)

        assert self.why(library) == ""
        assert rows("SELECT mount FROM roots") != ["/media/drive"]

    def test_comes_back(self, library: Library, photos: Path, rows: Rows):
        photos.rename(photos.parent / "elsewhere")
        scan(library.database)
        (photos.parent / "elsewhere").rename(photos)

        assert scan(library.database).unchanged == 4
        assert rows("SELECT state, why FROM roots") == [("online", None)]

    def test_may_be_new_and_empty(self, library: Library, tmp_path: Path):
        (tmp_path / "empty").mkdir()
        library.add(tmp_path / "empty")

        scan(library.database)

        assert [root.why for root in library.roots()] == [None, None]


class TestAFolderThatCannotBeRead:
    @pytest.fixture(autouse=True)
    def known(self, library: Library) -> None:
        scan(library.database)
        library.database.execute("UPDATE photos SET content = randomblob(16)")

    def test_keeps_its_photos_and_those_below_it(
        self, library: Library, photos: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
    ):
        real = os.scandir

        def closed(path: Any) -> Any:
            if str(path) == str(photos / "in"):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", closed)

        seen = scan(library.database)

        assert (seen.closed, seen.gone, rows(THERE)) == ([str(photos / "in")], 0, ALL)

    def test_may_be_a_drive_below_the_root_that_is_not_mounted(self, library: Library, photos: Path, rows: Rows):
        library.database.execute("UPDATE roots SET mounts = '[\"in\"]'")
        shutil.rmtree(photos / "in")
        (photos / "in").mkdir()

        seen = scan(library.database)

        assert (seen.closed, seen.gone, rows(THERE)) == ([str(photos / "in")], 0, ALL)
        assert rows("SELECT mounts FROM roots") == ['["in"]']


def test_a_mount_below_a_root_is_noted(library: Library, photos: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch):
    real = os.stat

    def other_device(path: Any, **options: Any) -> os.stat_result:
        status = real(path, **options)
        if not str(path).startswith(str(photos / "in")):
            return status
        return os.stat_result((*status[:2], status.st_dev + 1, *status[3:]))

    monkeypatch.setattr("vectortag.library.scan.os.stat", other_device)
    monkeypatch.setattr(folders, "mount_of", lambda path: Mount("/", "ext4"))

    scan(library.database)

    assert rows("SELECT mounts FROM roots") == ['["in"]']

"""Photos under files and folders, in an order that does not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import PhotoError
from vectortag.data.find import LeftOut, find_images, folders_of, photos_of
from vectortag.data.ignore import is_rubbish


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find_images(root)]


def test_photos_come_folder_by_folder_and_by_name_within_each(tmp_path: Path):
    touch(tmp_path, "b/2.jpg", "z.jpg", "b/1.jpg", "a/9.jpg", "c.jpg", "a/deep/0.jpg")

    assert found(tmp_path) == ["c.jpg", "z.jpg", "a/9.jpg", "a/deep/0.jpg", "b/1.jpg", "b/2.jpg"]


def test_a_photo_is_known_by_its_ending_in_either_case(tmp_path: Path):
    names = ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e.avif", "f.tiff", "g.HEIC", "h.JXL", "i.CR3", "j.dng"]
    touch(tmp_path, *names, "notes.txt", "jpg", "clip.mpg")

    assert found(tmp_path) == names


def test_hidden_files_and_folders_are_left_out(tmp_path: Path):
    touch(tmp_path, ".hidden.jpg", ".thumbnails/1.jpg", "@eaDir/2.jpg", "album/.cache/3.jpg", "album/4.jpg")

    assert found(tmp_path) == ["album/4.jpg"]


def test_a_folder_called_like_a_photo_is_named_and_its_photos_are_found(tmp_path: Path):
    touch(tmp_path, "trip.jpg/1.jpg", "zoo.jpg")

    assert found(tmp_path) == ["trip.jpg", "zoo.jpg", "trip.jpg/1.jpg"]


def test_a_file_that_was_named_is_taken_whatever_its_name(tmp_path: Path):
    touch(tmp_path, "photo", ".hidden")

    assert list(find_images(tmp_path / "photo", tmp_path / ".hidden")) == [tmp_path / "photo", tmp_path / ".hidden"]


def test_paths_may_be_strings_and_lists_of_paths_in_the_order_they_are_given(tmp_path: Path):
    touch(tmp_path, "b/1.jpg", "a.jpg", "c.jpg")

    named = find_images(str(tmp_path / "b"), [str(tmp_path / "c.jpg"), tmp_path / "a.jpg"])

    assert list(named) == [tmp_path / "b/1.jpg", tmp_path / "c.jpg", tmp_path / "a.jpg"]


def test_a_folder_without_photos_has_none(tmp_path: Path):
    assert found(tmp_path) == []


def test_a_path_that_does_not_exist_is_an_error_after_those_before_it(tmp_path: Path):
    touch(tmp_path, "a.jpg")
    images = find_images(tmp_path / "a.jpg", tmp_path / "gone")

    assert next(images) == tmp_path / "a.jpg"
    with pytest.raises(PhotoError, match="gone: no such file or folder"):
        next(images)


def test_a_link_back_to_its_own_folder_is_not_followed(tmp_path: Path):
    touch(tmp_path, "album/1.jpg")
    (tmp_path / "album/again").symlink_to(tmp_path, target_is_directory=True)

    assert found(tmp_path) == ["album/1.jpg"]


def test_a_link_to_a_photo_is_a_photo(tmp_path: Path):
    touch(tmp_path, "original/1.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "original/1.jpg")

    assert found(tmp_path) == ["link.jpg", "original/1.jpg"]


class TestLeftOut:
    @pytest.mark.parametrize("suffix", ["jfif", "jpe", "pjpeg", "pjp", "jfi", "jif", "apng", "dib", "insp", "JFIF"])
    def test_rarer_endings_are_photos(self, tmp_path: Path, suffix: str):
        touch(tmp_path, f"a.{suffix}")

        assert found(tmp_path) == [f"a.{suffix}"]

    @pytest.mark.parametrize(
        "name",
        [
            *("@eaDir", "#recycle", "@Recycle", "#snapshot", "$RECYCLE.BIN", "lost+found", "System Volume Information"),
            *(".Trash", ".Trash-1000", ".thumbnails", ".dtrash", ".stfolder", "__MACOSX"),
        ],
    )
    def test_folders_of_rubbish_are_known_by_their_whole_names(self, tmp_path: Path, name: str):
        touch(tmp_path, f"{name}/1.jpg", f"album/{name}/2.jpg", "album/3.jpg")

        assert found(tmp_path) == ["album/3.jpg"]
        assert is_rubbish(name)

    @pytest.mark.parametrize("name", ["@alice", "#summer", "$100", "lost+found 2", "@eaDirs", "Trash", "@"])
    def test_a_name_that_only_begins_so_is_a_persons(self, tmp_path: Path, name: str):
        touch(tmp_path, f"{name}/1.jpg", f"{name}.jpg")

        assert found(tmp_path) == [f"{name}.jpg", f"{name}/1.jpg"]

    def test_a_folder_of_rubbish_that_was_named_is_read(self, tmp_path: Path):
        touch(tmp_path, "@eaDir/1.jpg")

        assert found(tmp_path / "@eaDir") == ["1.jpg"]

    def test_what_is_no_photo_is_counted_by_kind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: False)
        touch(
            tmp_path,
            "a.jpg",
            "a.CR2",
            "b/b.nef",
            "b/c.mp4",
            "b/c.mpg",
            "c.jxl",
            "d.psd",
            "e.txt",
            "quiet/.nomedia",
            "quiet/f.jpg",
            "README",
        )
        (tmp_path / "link").symlink_to(tmp_path / "b", target_is_directory=True)
        left_out = LeftOut()

        photos = [path.name for path in photos_of([tmp_path], left_out=left_out)]

        assert photos == ["a.jpg"]
        counts = {"other video": 1, "other picture": 1, "link": 1, "nomedia": 1, "other": 2}
        assert left_out.counts == {"jxl": 1, "raw": 2, "video": 1, **counts}
        assert left_out.in_words(others=True).endswith("1 link to a folder, 1 folder with .nomedia, 2 other files")
        assert left_out.remedies() == [
            "1 JPEG XL photo was left out: pip install 'vectortag[jxl]'",
            "2 RAW photos were left out: pip install 'vectortag[raw]'",
            "1 video was left out: install the program ffmpeg (https://ffmpeg.org)",
        ]

    @pytest.mark.parametrize("name", ["a.heic", "a.jxl", "a.nef"])
    def test_a_photo_without_its_extra_is_left_out_only_where_that_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ):
        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: False)
        touch(tmp_path, name)

        assert found(tmp_path) == [name]
        assert list(photos_of([tmp_path], left_out=LeftOut())) == []
        assert list(photos_of([tmp_path / name], left_out=LeftOut())) == [tmp_path / name]

    def test_a_video_is_found_only_where_it_can_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        touch(tmp_path, "a.mp4")
        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: kind == "video")
        assert found(tmp_path) == ["a.mp4"]

        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: kind != "video")
        assert found(tmp_path) == []
        assert list(find_images(tmp_path / "a.mp4")) == [tmp_path / "a.mp4"]


class TestLivePhotos:
    @pytest.fixture(autouse=True)
    def everything_is_read(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: True)

    def test_the_video_belongs_to_the_photo_of_the_same_name(self, tmp_path: Path):
        touch(tmp_path, "IMG_1.HEIC", "IMG_1.MOV", "img_2.jpg", "IMG_2.mp4", "IMG_3.MOV", "4.jpg", "more/4.mov")
        left_out = LeftOut()

        photos = [path.name for path in photos_of([tmp_path], left_out=left_out)]

        assert photos == ["4.jpg", "IMG_1.HEIC", "IMG_3.MOV", "img_2.jpg", "4.mov"]
        assert left_out.counts == {"live photo": 2}
        assert left_out.in_words(others=False) == "2 videos that belong to photos"

    def test_it_does_so_if_the_photo_is_excluded(self, tmp_path: Path):
        touch(tmp_path, "IMG_1.HEIC", "IMG_1.MOV")

        assert list(find_images(tmp_path, exclude=["*.HEIC"])) == []

    def test_a_video_that_is_named_is_read(self, tmp_path: Path):
        touch(tmp_path, "IMG_1.HEIC", "IMG_1.MOV")

        assert list(find_images(tmp_path / "IMG_1.MOV")) == [tmp_path / "IMG_1.MOV"]

    def test_a_raw_photo_beside_its_jpeg_is_a_photo_of_its_own(self, tmp_path: Path):
        touch(tmp_path, "IMG_1.CR2", "IMG_1.JPG")

        assert found(tmp_path) == ["IMG_1.CR2", "IMG_1.JPG"]


def test_the_folders_of_a_tree_have_the_entries_of_their_photos_and_sidecars(tmp_path: Path):
    for name in ("a.jpg", "a.jpg.xmp", "b.txt", "in/c.jpg", "@eaDir/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")

    top, inner = folders_of(tmp_path)

    assert [(entry.name, entry.stat().st_size) for entry in top.photos] == [("a.jpg", 5)]
    assert [entry.name for entry in top.sidecars] == ["a.jpg.xmp"]
    assert (inner.path, [entry.name for entry in inner.photos]) == (tmp_path / "in", ["c.jpg"])
    assert top.is_whole
    assert inner.is_whole

"""Photos under files and folders, in an order that does not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import PhotoError
from vectortag.data.find import find_images


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
    touch(tmp_path, "a.JPG", "b.jpeg", "c.Png", "d.webp", "e.avif", "f.tiff", "g.HEIC", "notes.txt", "jpg", "clip.mp4")

    assert found(tmp_path) == ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e.avif", "f.tiff", "g.HEIC"]


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

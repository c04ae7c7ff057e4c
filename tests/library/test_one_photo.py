"""One photo of a library: what is known of it, and whether its file may be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vectortag.library.library import Library


def row_of(rows, name: str) -> int:
    return rows("SELECT id FROM photos WHERE path = ?", name)[0]


@pytest.fixture
def updated(library: Library, update) -> Library:
    update()
    return library


def test_it_says_where_the_photo_lies_and_how_large_it_is(updated, rows, photos):
    found = updated.photo(row_of(rows, "in/c.jpg"))

    assert (found.root, found.path) == (photos, photos / "in/c.jpg")
    assert found.file() == photos / "in/c.jpg"
    with Image.open(found.path) as image:
        assert found.size == image.size


def test_there_is_no_photo_of_an_unknown_row(updated):
    assert updated.photo(10**9) is None


def test_a_link_out_of_the_library_is_not_followed(updated, rows, photos, tmp_path: Path):
    photo = updated.photo(row_of(rows, "a.jpg"))
    secret = tmp_path / "secret.jpg"
    (photos / "a.jpg").rename(secret)
    (photos / "a.jpg").symlink_to(secret)

    assert photo.file() is None


def test_a_file_that_is_not_there_cannot_be_read(updated, rows, photos):
    photo = updated.photo(row_of(rows, "a.jpg"))
    (photos / "a.jpg").unlink()

    assert photo.file() is None

"""Thumbnails of the library's photos."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from vectortag.apps.ui.library import thumbnails
from vectortag.apps.ui.library.thumbnails import SIDE, thumbnail_of
from vectortag.core.errors import PhotoError
from vectortag.core.folders import cache_home
from vectortag.library.one_photo import LibraryPhoto


@pytest.fixture
def photo(opened) -> LibraryPhoto:
    with opened.using() as library:
        return library.photo(1)


def kept() -> list[Path]:
    return [file for file in (cache_home() / "thumbnails").rglob("*") if file.is_file()]


def test_it_is_a_small_jpeg_of_the_photo(photo):
    with Image.open(io.BytesIO(thumbnail_of(photo))) as small, Image.open(photo.path) as whole:
        assert small.format == "JPEG"
        assert max(small.size) == min(SIDE, max(whole.size))
        assert small.width / small.height == pytest.approx(whole.width / whole.height, rel=0.05)


def test_it_is_made_once_and_kept_in_the_cache_by_content(photo, monkeypatch):
    made = thumbnail_of(photo)
    monkeypatch.setattr(thumbnails, "open_image", lambda *_, **__: pytest.fail("made twice"))

    assert thumbnail_of(replace(photo, row=2, path=Path("/elsewhere/copy.jpg"))) == made
    assert len(kept()) == 1


def test_one_that_was_damaged_is_made_again(photo):
    made = thumbnail_of(photo)
    (file,) = kept()
    file.write_bytes(b"\0" + file.read_bytes()[1:])

    assert thumbnail_of(photo) == made


def test_a_photo_that_is_not_there_or_lies_outside_is_an_error(photo, tmp_path):
    with pytest.raises(PhotoError, match="is not there"):
        thumbnail_of(replace(photo, content=None, path=photo.path.with_name("none.jpg")))

    outside = tmp_path / "outside.jpg"
    photo.path.rename(outside)
    photo.path.symlink_to(outside)
    with pytest.raises(PhotoError, match="out of the library's folder"):
        thumbnail_of(replace(photo, content=None))

"""Small pictures of a library's photos: each is made once, and kept in the cache by the content of its photo."""

from __future__ import annotations

import io
from pathlib import Path

from vectortag.apps.ui.session_photos import MOST_PIXELS
from vectortag.core.checked import without_hash
from vectortag.core.errors import PhotoError
from vectortag.core.files import read_file
from vectortag.core.folders import cache_home, write_cache_file
from vectortag.inference.image_grid import fit
from vectortag.library.one_photo import LibraryPhoto
from vectortag.runtime.decoding.video import still_of
from vectortag.runtime.pixels import open_image

SIDE, LARGE_SIDE = 256, 1280
"""The longer side in pixels: of a thumbnail, and of a picture to look at. The latter is not kept."""

MOST_IN_A_FOLDER = 2000
"""There are 256 folders, so this is half a million pictures, of about 12 kB each."""


def thumbnail_of(photo: LibraryPhoto) -> bytes:
    """A JPEG of a photo, at most 256 pixels a side.

    Raises:
        PhotoError: it cannot be read, is not there, or lies outside of the library's folders.
    """
    if photo.content is not None and (known := _read(_place(photo.content))) is not None:
        return known
    made = _make(photo, SIDE)
    if photo.content is not None:
        keep_thumbnail(photo.content, made)
    return made


def keep_thumbnail(content: bytes, picture: bytes) -> None:
    """Put a thumbnail into the cache, where `thumbnail_of` looks for it.

    Args:
        content: the hash of its photo.
        picture: a JPEG.
    """
    write_cache_file(_place(content), picture, most=MOST_IN_A_FOLDER)


def large_picture_of(photo: LibraryPhoto) -> bytes:
    """A JPEG of a photo, at most 1,280 pixels a side; fails as `thumbnail_of`."""
    return _make(photo, LARGE_SIDE)


def _place(content: bytes) -> Path:
    name = content.hex()
    return cache_home() / "thumbnails" / name[:2] / f"{name[2:]}.jpg"


def _read(kept: Path) -> bytes | None:
    try:
        return without_hash(read_file(kept))
    except OSError:
        return None


def _make(photo: LibraryPhoto, side: int) -> bytes:
    file = photo.file()
    if file is None:
        raise PhotoError(f"{photo.path.name}: is not there, or is a link out of the library's folder")
    image = open_image(still_of(_content(file)), max_pixels=MOST_PIXELS, draft=(side, side))
    buffer = io.BytesIO()
    fit(image, min(side, max(image.size))).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def _content(file: Path) -> bytes:
    try:
        return read_file(file)
    except OSError as error:
        raise PhotoError(f"{file.name}: cannot be read: {error.strerror}") from error

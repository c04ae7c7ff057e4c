"""Thumbnails of the photos that a tag was added from, stored beside the tag if the user wants that."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from urllib.parse import quote

from vectortag.apps.ui.session_photos import MOST_PIXELS
from vectortag.core.errors import NewTagError
from vectortag.core.writing import replace_file
from vectortag.inference.image_grid import fit
from vectortag.model.folder import ModelFolder
from vectortag.personal.added_tags import folder_of
from vectortag.runtime.pixels import open_image

SIDE = 240
"""The longer side of a thumbnail in pixels."""


def save_thumbnails(model: ModelFolder, tag: str, photos: list[bytes]) -> None:
    """Store a thumbnail of each photo.

    Raises:
        NewTagError: a file cannot be written.
        PhotoError: a photo cannot be read.
    """
    folder = _folder(model, tag)
    remove_thumbnails(model, tag)
    try:
        folder.mkdir(parents=True)
        for number, photo in enumerate(photos, start=1):
            buffer = io.BytesIO()
            fit(open_image(photo, max_pixels=MOST_PIXELS, draft=(SIDE, SIDE)), SIDE).save(buffer, "JPEG", quality=85)
            replace_file(folder / f"{number:03}.jpg", buffer.getvalue())
    except OSError as error:
        raise NewTagError(f"{folder}: the thumbnails cannot be written: {error.strerror or error}") from error


def thumbnails_of(model: ModelFolder, tag: str) -> list[Path]:
    """The thumbnails of a tag, in the order of its photos."""
    return sorted(_folder(model, tag).glob("*.jpg"))


def remove_thumbnails(model: ModelFolder, tag: str) -> None:
    """Delete the thumbnails of a tag."""
    shutil.rmtree(_folder(model, tag), ignore_errors=True)


def _folder(model: ModelFolder, tag: str) -> Path:
    return folder_of(model) / "pictures" / quote(tag, safe=" ")

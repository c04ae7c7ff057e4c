"""What a library knows of one photo: where it lies, what its file says, and its tags."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.file_names import unescape_path
from vectortag.library.decisions import Decision, decisions_on

PHOTO = """
SELECT roots.path, photos.path, content, taken, latitude, longitude, rating, width, height, error FROM photos
JOIN roots ON roots.id = root WHERE photos.id = ? AND gone IS NULL
"""
LARGEST = 1 << 63
"""Rows are smaller."""

KEYWORDS = "SELECT keyword FROM keywords WHERE photo = ? ORDER BY keyword"


@dataclass(frozen=True, slots=True)
class LibraryPhoto:
    """A photo of a library.

    Attributes:
        row: of `photos`.
        root: the folder of the library that it is in.
        path: of its file, below `root`.
        content: the hash of its bytes, 16 bytes; None if it was not read.
        taken: local time of its EXIF data, such as "2024-07-31T18:00:05".
        place: latitude and longitude in degrees.
        rating: -1 (rejected) to 5.
        size: width and height in pixels, upright.
        keywords: a person's own.
        error: why it cannot be read.
        decisions: a person's, by tag.
    """

    row: int
    root: Path
    path: Path
    content: bytes | None
    taken: str | None = None
    place: tuple[float, float] | None = None
    rating: int | None = None
    size: tuple[int, int] | None = None
    keywords: tuple[str, ...] = ()
    error: str | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)

    def file(self) -> Path | None:
        """The file to read; None if it is not there, or if a link leads out of the library's folder."""
        try:
            whole = self.path.resolve(strict=True)
            return whole if whole.is_relative_to(self.root.resolve(strict=True)) else None
        except (OSError, RuntimeError):
            return None


def photo_of(database: sqlite3.Connection, row: int) -> LibraryPhoto | None:
    """A photo by its row; None if there is none, or if its file is gone."""
    found = database.execute(PHOTO, (row,)).fetchone() if 0 < row < LARGEST else None
    if found is None:
        return None
    root, path, content, taken, latitude, longitude, rating, width, height, error = found
    return LibraryPhoto(
        row,
        unescape_path(root),
        unescape_path(f"{root.rstrip('/')}/{path}"),
        content,
        taken,
        None if latitude is None or longitude is None else (latitude, longitude),
        rating,
        None if width is None or height is None else (width, height),
        tuple(keyword for (keyword,) in database.execute(KEYWORDS, (row,))),
        error,
        {} if content is None else decisions_on(database, content),
    )

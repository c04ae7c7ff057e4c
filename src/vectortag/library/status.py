"""What a library holds: its folders, photos, model, and what is still to be done."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.file_names import unescape_path
from vectortag.library.folders import Root, roots_of

COUNTS = """
SELECT root, count(*) - count(gone), count(gone), count(CASE WHEN gone IS NULL THEN error END),
count(CASE WHEN gone IS NULL AND error IS NULL AND content IS NULL THEN 1 END) FROM photos GROUP BY root
"""
MODEL = "SELECT name || '@' || substr(digest, 1, 8), precision, size FROM models WHERE id = ?"
UNREADABLE = """
SELECT roots.path, photos.path, error FROM photos JOIN roots ON roots.id = root
WHERE error IS NOT NULL AND gone IS NULL ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class RootStatus:
    """A folder of a library.

    Attributes:
        photos: that were there when it was last looked through.
        gone: photos that were there before.
        failed: of `photos`, those that cannot be read.
        unread: of `photos`, those that were not read yet.
    """

    root: Root
    photos: int = 0
    gone: int = 0
    failed: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """A library as it is.

    Attributes:
        bytes: of the file and its write-ahead log.
        model: `name@digest` of the model that it was last updated with, precision and input size; None before that.
        analysed: different contents that this model has seen.
    """

    file: Path
    bytes: int
    roots: tuple[RootStatus, ...]
    model: tuple[str, str, int] | None
    analysed: int


def status_of(database: sqlite3.Connection, file: Path, model_row: int | None) -> LibraryStatus:
    """Count what is there; no folder is looked at."""
    counts = {row[0]: row[1:] for row in database.execute(COUNTS)}
    roots = tuple(RootStatus(root, *counts.get(root.id, ())) for root in roots_of(database))
    files = (file.with_name(file.name + end) for end in ("", "-wal"))
    (analysed,) = database.execute("SELECT count(*) FROM analyses WHERE model = ?", (model_row,)).fetchone()
    return LibraryStatus(
        file=file,
        bytes=sum(one.stat().st_size for one in files if one.exists()),
        roots=roots,
        model=database.execute(MODEL, (model_row,)).fetchone(),
        analysed=analysed,
    )


def unreadable_photos(database: sqlite3.Connection) -> list[tuple[Path, str]]:
    """The photos that cannot be read, by path, and why."""
    return [(unescape_path(root) / unescape_path(path), why) for root, path, why in database.execute(UNREADABLE)]

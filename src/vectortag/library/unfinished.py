"""What an update still has to do: photos to read, and contents that a model has not seen.

Nothing is kept of an update that was interrupted: what is left to do follows from the rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

PAGE = 256
"""Rows that are read at a time: while they are worked on, the rows of earlier ones are written."""

TO_READ = """
SELECT photos.id, root, photos.path FROM photos JOIN roots ON roots.id = root
WHERE content IS NULL AND error IS NULL AND gone IS NULL AND state = 'online' AND (root, photos.path) > (?, ?)
ORDER BY root, photos.path LIMIT ?
"""
TO_ANALYSE = """
SELECT photos.id, root, photos.path, size, mtime_ns, content FROM photos JOIN roots ON roots.id = root
WHERE content IS NOT NULL AND error IS NULL AND gone IS NULL AND state = 'online' AND photos.id > ?
AND NOT EXISTS (SELECT 1 FROM analyses WHERE analyses.content = photos.content AND model = ?)
ORDER BY photos.id LIMIT ?
"""
COUNT = """
SELECT count(*) FROM photos JOIN roots ON roots.id = root
WHERE gone IS NULL AND error IS NULL AND state = 'online' AND
"""
UNREAD = f"{COUNT} content IS NULL"
UNKNOWN = f"""
{COUNT} content IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM analyses WHERE analyses.content = photos.content AND model = ?)
"""


def count_unfinished(database: sqlite3.Connection, model: int) -> int:
    """How many photos are to be read or analysed by a row of `models`; the folders are online."""
    (unread,) = database.execute(UNREAD).fetchone()
    (unknown,) = database.execute(UNKNOWN, (model,)).fetchone()
    return int(unread + unknown)


def photos_to_read(database: sqlite3.Connection) -> Iterator[tuple[int, int, str]]:
    """Yield id, root and path of each photo that was not read yet, by root and path."""
    last: tuple[int, str] = (0, "")
    while rows := database.execute(TO_READ, (*last, PAGE)).fetchall():
        for row, root, path in rows:
            last = (root, path)
            yield row, root, path


def photos_to_analyse(database: sqlite3.Connection, model: int) -> Iterator[tuple[int, int, str, int, int, bytes]]:
    """Yield id, root, path, size, time of change and content of each photo that was read, and not analysed."""
    last = 0
    while rows := database.execute(TO_ANALYSE, (last, model, PAGE)).fetchall():
        for found in rows:
            last = found[0]
            yield found


def is_analysed(database: sqlite3.Connection, content: bytes, model: int) -> bool:
    """Whether a row of `models` has seen a content."""
    found = database.execute("SELECT 1 FROM analyses WHERE content = ? AND model = ?", (content, model))
    return found.fetchone() is not None

"""The rows of photos: what was read of them is written here, and a photo that moved keeps its row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from vectortag.library.keyword_fields import Record
from vectortag.library.photo_facts import PhotoFacts

KEEP = """
UPDATE photos SET size = ?, mtime_ns = ?, content = ?, taken = ?, latitude = ?, longitude = ?, orientation = ?,
width = ?, height = ?, rating = ?, error = NULL WHERE id = ?
"""
GONE = "SELECT id FROM photos WHERE content = ? AND gone IS NOT NULL LIMIT 1"
PLACE = "SELECT root, path, sidecar_ns FROM photos WHERE id = ?"
MOVE = "UPDATE photos SET root = ?, path = ?, sidecar_ns = ?, gone = NULL WHERE id = ?"


def keep_facts(database: sqlite3.Connection, read: Iterable[tuple[int, PhotoFacts]]) -> int:
    """Write what photos say of themselves, within the caller's transaction.

    If a photo with this content is gone, it has moved here: its row takes the place of the new one, with all that
    refers to it.

    Args:
        read: rows of `photos`, and their facts.

    Returns:
        How many have moved.
    """
    moved = 0
    for row, facts in read:
        old = database.execute(GONE, (facts.content,)).fetchone()
        if old is not None and old[0] != row:
            place = database.execute(PLACE, (row,)).fetchone()
            database.execute("DELETE FROM photos WHERE id = ?", (row,))
            row = old[0]
            database.execute(MOVE, (*place, row))
            moved += 1
        latitude, longitude = facts.place or (None, None)
        about = (facts.taken, latitude, longitude, facts.orientation, facts.width, facts.height, facts.rating)
        database.execute(KEEP, (facts.size, facts.mtime_ns, facts.content, *about, row))
        _keep_keywords(database, row, facts.keywords)
    return moved


def keep_error(database: sqlite3.Connection, failed: Sequence[tuple[int, str]]) -> None:
    """Write why photos cannot be read, within the caller's transaction."""
    clear = "UPDATE photos SET error = ?, content = NULL WHERE id = ?"
    database.executemany(clear, [(error, row) for row, error in failed])
    database.executemany("DELETE FROM keywords WHERE photo = ?", [(row,) for row, _ in failed])


def keep_notes(
    database: sqlite3.Connection, rows: Sequence[tuple[int, int]], notes: Sequence[tuple[tuple[str, ...], int | None]]
) -> None:
    """Write keywords and ratings whose sidecars changed, within the caller's transaction.

    Args:
        rows: of `photos`, and when their sidecars changed.
        notes: keywords and rating of each. A rating that a sidecar no longer has is kept.
    """
    for (row, changed), (keywords, rating) in zip(rows, notes, strict=True):
        database.execute(
            "UPDATE photos SET sidecar_ns = ?, rating = coalesce(?, rating) WHERE id = ?", (changed, rating, row)
        )
        _keep_keywords(database, row, keywords)


def _keep_keywords(database: sqlite3.Connection, row: int, keywords: Sequence[str]) -> None:
    """A person's own: those that VectorTag wrote are not among them, also after another program dropped its record."""
    written = database.execute("SELECT tags FROM written WHERE photo = ?", (row,)).fetchall()
    ours = {word for (record,) in written for word in _of_model(msgspec.json.decode(record, type=Record))}
    database.execute("DELETE FROM keywords WHERE photo = ?", (row,))
    own = [(row, keyword) for keyword in keywords if keyword not in ours]
    database.executemany("INSERT OR IGNORE INTO keywords VALUES (?, ?)", own)


def _of_model(record: Record) -> set[str]:
    """The words that a sidecar has from the model alone: no person accepted them, or had them before."""
    said = {level for one in record.tags if one.by != "model" for level in one.path}
    return {level for one in record.tags if one.by == "model" for level in one.path} - said

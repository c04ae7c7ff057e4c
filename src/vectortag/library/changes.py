"""One decision on many photos at once, and its undoing: each is all or nothing.

What stood there before is kept in the `Change`, so that undoing brings it back. A photo on which somebody decided again
meanwhile keeps that later decision.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vectortag.core.file_names import unescape_path
from vectortag.library.decisions import KnownPhoto, Verdict
from vectortag.library.schema import transaction
from vectortag.personal.corrections import Correction, add_corrections, take_back_corrections

AT_ONCE = 900
"""Values that one query asks for; SQLite may take no more than 999."""

PHOTOS = """
SELECT photos.id, roots.path, photos.path, content FROM photos JOIN roots ON roots.id = root
WHERE content IS NOT NULL AND gone IS NULL AND photos.id IN
"""
DECISIONS = "SELECT content, verdict, renamed_to, at FROM decisions WHERE tag = ? AND content IN"
KEEP = "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)"
FORGET = "DELETE FROM decisions WHERE content = ? AND tag = ?"

Kept = tuple[Verdict, str | None, float]
"""A decision as the table has it: verdict, new name, and when it was made."""


@dataclass(frozen=True, slots=True)
class Change:
    """A decision on one tag of many photos.

    Attributes:
        tag, verdict, renamed_to: what was decided; see `Decision`.
        at: when, in seconds since 1970.
        photos: how many.
        before: by content, the decision that stood there; None: there was none.
        said: the number of its corrections.
    """

    tag: str
    verdict: Verdict
    renamed_to: str | None
    at: float
    photos: int
    before: Mapping[bytes, Kept | None]
    said: int


def change(
    database: sqlite3.Connection, rows: Sequence[int], tag: str, verdict: Verdict, *, renamed_to: str | None = None
) -> Change:
    """Decide on a tag of photos, and store that as corrections. Photos that are gone or were not read are left out.

    Args:
        rows: of `photos`.

    Raises:
        CorrectionError: the data folder cannot be written. Then nothing is kept.
    """
    with transaction(database):
        photos = list(known_photos(database, rows))
        before = _decisions(database, [photo.content for photo in photos], tag)
        at = time.time()
        database.executemany(KEEP, [(content, tag, verdict, renamed_to, at) for content in before])
        said = add_corrections(Correction(photo.path, tag, verdict == "accepted") for photo in photos)
    return Change(tag, verdict, renamed_to, at, len(photos), before, said)


def undo(database: sqlite3.Connection, changed: Change) -> int:
    """Bring back what was decided before. Returns the number of contents that this changed.

    Raises:
        CorrectionError: the data folder cannot be written. Then nothing is undone.
    """
    tag = changed.tag
    with transaction(database):
        now = _decisions(database, list(changed.before), tag)
        ours = [content for content, kept in now.items() if kept is not None and kept[2] == changed.at]
        for content in ours:
            kept = changed.before[content]
            if kept is None:
                database.execute(FORGET, (content, tag))
            else:
                database.execute(KEEP, (content, tag, *kept))
        take_back_corrections(changed.said)
    return len(ours)


def known_photos(database: sqlite3.Connection, rows: Sequence[int]) -> Iterator[KnownPhoto]:
    """Those of some photos that are there and were read; in no order."""
    for some, marks in _parts(rows):
        for row, root, path, content in database.execute(f"{PHOTOS} ({marks})", some):
            yield KnownPhoto(row, unescape_path(f"{root.rstrip('/')}/{path}"), content)


def _decisions(database: sqlite3.Connection, contents: Sequence[bytes], tag: str) -> dict[bytes, Kept | None]:
    found: dict[bytes, Kept | None] = dict.fromkeys(contents)
    for some, marks in _parts(list(found)):
        for content, *kept in database.execute(f"{DECISIONS} ({marks})", (tag, *some)):
            found[content] = (kept[0], kept[1], kept[2])
    return found


def _parts(values: Sequence[int] | Sequence[bytes]) -> Iterator[tuple[Sequence[int] | Sequence[bytes], str]]:
    """Some values at a time, with as many question marks."""
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        yield some, ",".join("?" * len(some))

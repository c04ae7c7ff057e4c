"""Corrections of wrongly tagged photos: stored in the user's data folder, for all models."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import CorrectionError
from vectortag.core.file_names import escape_path, unescape_path
from vectortag.core.files import require_regular
from vectortag.core.folders import data_home

log = logging.getLogger(__name__)

TABLE = """
    CREATE TABLE IF NOT EXISTS corrections (
        id INTEGER PRIMARY KEY, said INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP, photo TEXT, tag TEXT, has INTEGER
    )
"""
"""`said` numbers the corrections that were made together and are undone together."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A photo has a tag, or does not have it."""

    photo: Path
    tag: str
    has: bool


def corrections_of(
    photo: str | Path, tags: Iterable[str], has: Collection[str], has_not: Collection[str]
) -> list[Correction]:
    """One correction for each of `tags`, which are those in `has` or `has_not`.

    Raises:
        CorrectionError: a tag is in both, or there is none.
    """
    if both := set(has) & set(has_not):
        raise CorrectionError(f'{escape_path(photo)}: "{min(both)}" is both a tag to add and a tag to remove')
    corrections = [Correction(Path(photo), tag, tag in has) for tag in tags]
    if not corrections:
        raise CorrectionError(f"{escape_path(photo)}: no tag is named. Name tags that it has, or does not have")
    return corrections


def corrections_file() -> Path:
    """The file of all corrections; it may not exist yet."""
    return data_home() / "corrections.sqlite"


def add_corrections(corrections: Iterable[Correction]) -> int:
    """Store corrections, all or none. Returns the number under which `take_back_corrections` finds them.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    with _opened() as database, database:
        (said,) = database.execute("SELECT coalesce(max(said), 0) + 1 FROM corrections").fetchone()
        rows = [(said, _text(one.photo), one.tag, one.has) for one in corrections]
        database.executemany("INSERT INTO corrections (said, photo, tag, has) VALUES (?, ?, ?, ?)", rows)
    return int(said)


def take_back_corrections(said: int) -> None:
    """Delete the corrections that were made together, by their number; those before them count again.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    with _opened() as database, database:
        database.execute("DELETE FROM corrections WHERE said = ?", (said,))


def undo_corrections() -> list[Correction]:
    """Delete the corrections that were made last, and return them; empty if none is left.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    last = "said = (SELECT max(said) FROM corrections)"
    with _opened() as database, database:
        rows = database.execute(f"DELETE FROM corrections WHERE {last} RETURNING photo, tag, has").fetchall()
    return [_correction(*row) for row in rows]


def remove_correction(photo: Path, tag: str) -> None:
    """Delete all corrections of one tag of a photo.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    with _opened() as database, database:
        database.execute("DELETE FROM corrections WHERE photo = ? AND tag = ?", (_text(photo), tag))


def read_corrections() -> list[Correction]:
    """All corrections in the order in which they were made; of one photo and tag the last alone.

    Raises:
        CorrectionError: the file is no database of corrections.
    """
    if not corrections_file().exists():
        return []
    with _opened() as database:
        rows = database.execute("SELECT photo, tag, has FROM corrections ORDER BY id").fetchall()
    whole = [row for row in rows if [type(value) for value in row] == [str, str, int]]
    if len(whole) < len(rows):
        log.warning("%s: %d corrections are damaged and left out", corrections_file(), len(rows) - len(whole))
    latest = {(photo, tag): _correction(photo, tag, has) for photo, tag, has in whole}
    return list(latest.values())


def _correction(photo: str, tag: str, has: int) -> Correction:
    return Correction(unescape_path(photo), tag, bool(has))


def _text(photo: Path) -> str:
    """SQLite's texts are UTF-8, and not every path is."""
    return escape_path(photo.absolute())


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    file = corrections_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            require_regular(file)
        with closing(sqlite3.connect(file, timeout=30)) as database:
            database.execute(TABLE)
            yield database
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise CorrectionError(
            f"{file}: corrections cannot be kept or read: {error}. The file stays as it is; move it away to start again"
        ) from error

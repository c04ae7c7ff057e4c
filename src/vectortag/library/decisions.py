"""What a person decided about the tags of a photo: accepted, rejected, or shown under another name.

Decisions are kept by the content of the photo, so they outlive moved files and every run of a model. They override the
model in search and sidecars. They are corrections, too, so `vectortag refresh` makes a model learn from them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path, real_path, unescape_path
from vectortag.library.schema import transaction
from vectortag.personal.corrections import Correction, add_corrections, remove_correction

Verdict = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on one tag of a photo; `renamed_to` is the name under which it is shown, or None."""

    verdict: Verdict
    renamed_to: str | None = None


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo of a library: its row, its path, and the hash of its content."""

    row: int
    path: Path
    content: bytes


def known_photo(database: sqlite3.Connection, path: str | Path) -> KnownPhoto:
    """A photo of the library by its path.

    Raises:
        LibraryError: the library does not have it, or has not read it yet.
    """
    photo = Path(path)
    found = _row_of(database, photo)
    if found is None:
        raise LibraryError(f"{escape_path(photo)}: is not in the library. Add its folder: vectortag library add FOLDER")
    row, content = found
    if content is None:
        raise LibraryError(f"{escape_path(photo)}: was not read yet. Run: vectortag library update")
    return KnownPhoto(row, photo, content)


def _row_of(database: sqlite3.Connection, photo: Path) -> tuple[int, bytes | None] | None:
    roots = [(row, unescape_path(path)) for row, path in database.execute("SELECT id, path FROM roots")]
    for whole in dict.fromkeys((photo.absolute(), real_path(photo))):
        for root, folder in roots:
            if whole.is_relative_to(folder):
                below = escape_path(whole.relative_to(folder).as_posix())
                query = "SELECT id, content FROM photos WHERE root = ? AND path = ?"
                found: tuple[int, bytes | None] | None = database.execute(query, (root, below)).fetchone()
                if found is not None:
                    return found
    return None


def decisions_on(database: sqlite3.Connection, content: bytes) -> dict[str, Decision]:
    """The decisions on a photo, by tag."""
    rows = database.execute("SELECT tag, verdict, renamed_to FROM decisions WHERE content = ?", (content,))
    return {tag: Decision(verdict, renamed_to) for tag, verdict, renamed_to in rows}


def decide(
    database: sqlite3.Connection,
    photo: KnownPhoto,
    tags: Iterable[str],
    verdict: Verdict,
    *,
    renamed_to: str | None = None,
    teach: bool = True,
) -> None:
    """Keep a person's decision; the last one about a tag counts.

    Args:
        tags: the model's names.
        renamed_to: the name under which this photo shows the tag.
        teach: also store it as a correction, from which `vectortag refresh` learns.

    Raises:
        CorrectionError: the data folder cannot be written. Then nothing is kept.
    """
    tags = list(tags)
    if teach:
        add_corrections(Correction(photo.path, tag, verdict == "accepted") for tag in tags)
    rows = [(photo.content, tag, verdict, renamed_to, time.time()) for tag in tags]
    with transaction(database):
        database.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)", rows)


def withdraw(database: sqlite3.Connection, photo: KnownPhoto, tags: Iterable[str]) -> None:
    """Forget decisions, so that the model's word counts again, and the corrections that they were.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    tags = list(tags)
    for tag in tags:
        remove_correction(photo.path, tag)
    with transaction(database):
        database.executemany("DELETE FROM decisions WHERE content = ? AND tag = ?", [(photo.content, t) for t in tags])


def note_corrections(database: sqlite3.Connection, corrections: Iterable[Correction], *, undone: bool = False) -> None:
    """Keep corrections of photos that are in the library as decisions, too.

    Args:
        undone: they were undone: forget the decisions.
    """
    rows = []
    for one in corrections:
        found = _row_of(database, one.photo)
        if found is not None and found[1] is not None:
            rows.append((found[1], one.tag, "accepted" if one.has else "rejected", None, time.time()))
    with transaction(database):
        if undone:
            database.executemany("DELETE FROM decisions WHERE content = ? AND tag = ?", [row[:2] for row in rows])
        else:
            database.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)", rows)


def apply_decisions(
    scores: Mapping[str, float], decisions: Mapping[str, Decision], above: Callable[[str], Iterable[str]]
) -> dict[str, float | None]:
    """The tags of a photo after a person's decisions, with their scores.

    A rejected tag goes, with all that imply it. An accepted one comes, with all that it implies, unless that was
    rejected.

    Args:
        scores: of the tags that the model shows.
        decisions: by tag.
        above: the tags that a tag implies.

    Returns:
        The tags, best first; a score is None if the model does not show the tag.
    """
    accepted = {tag for tag, one in decisions.items() if one.verdict == "accepted"}
    rejected = {tag for tag, one in decisions.items() if one.verdict == "rejected"}
    kept = {tag: score for tag, score in scores.items() if not rejected & {tag, *above(tag)}}
    said = {*accepted, *(parent for tag in accepted for parent in above(tag) if parent not in rejected)}
    both: dict[str, float | None] = {**kept, **{tag: scores.get(tag) for tag in sorted(said)}}
    return dict(sorted(both.items(), key=lambda item: (-(2 if item[0] in accepted else item[1] or 0), item[0])))

"""The sidecars of a whole library: written from its scores and decisions, and forgotten again."""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path, unescape_path
from vectortag.core.files import changed_ns
from vectortag.library.decisions import Decision, KnownPhoto, decisions_on, withdraw
from vectortag.library.folders import content_of
from vectortag.library.keyword_fields import Record
from vectortag.library.lists import BY_STEM, MIN_SCORE, PARENT, Settings, keep_names, names_of
from vectortag.library.packing import SCORE_STEPS, unpack_codes
from vectortag.library.schema import transaction
from vectortag.library.sidecars import ModelRun
from vectortag.library.tag_paths import TagPaths
from vectortag.library.write_xmp import Choice, Outcome, SidecarWriter
from vectortag.model.taxonomy import Taxonomy

MODEL = "SELECT name, digest, tags, thresholds, parents FROM models WHERE id = ?"
PHOTOS = """
SELECT photos.id, roots.path, photos.path, photos.content FROM photos JOIN roots ON roots.id = photos.root
WHERE photos.content IS NOT NULL AND photos.gone IS NULL AND roots.state = 'online' ORDER BY roots.path, photos.path
"""
ANALYSIS = "SELECT codes, made FROM analyses WHERE content = ? AND model = ?"
SHOWN = "SELECT score FROM shown WHERE model = ? AND tag = ? AND content = ?"
WRITTEN = "SELECT sidecar, tags FROM written WHERE photo = ?"
KEEP = "INSERT OR REPLACE INTO written (photo, sidecar, tags, digest, at) VALUES (?, ?, ?, ?, ?)"
DROP = "DELETE FROM written WHERE photo = ? AND sidecar = ?"


class StoredScores:
    """The tags that a library's model shows on its photos.

    Args:
        row: of `models`.
        taxonomy: of the model.

    Attributes:
        model: `name@digest`.
        tags: the model's own, then the added ones.
        taxonomy: of the model.
        paths: of the tags, in the tree of other programs.
    """

    def __init__(self, database: sqlite3.Connection, row: int, taxonomy: Taxonomy) -> None:
        self._database, self._row = database, row
        name, digest, tags, thresholds, parents = database.execute(MODEL, (row,)).fetchone()
        self.model = f"{name}@{digest[:8]}"
        self.tags: list[str] = json.loads(tags)
        self.taxonomy = taxonomy
        self.paths = TagPaths(taxonomy, self.tags, json.loads(parents))
        values = [np.inf if value is None else value for value in json.loads(thresholds)]
        self._thresholds = np.array(values, np.float64)  # (T,)

    def of(self, content: bytes) -> tuple[dict[str, float], ModelRun] | None:
        """The score of each tag that reaches its threshold, and the run; None if the photo was not analysed."""
        found = self._database.execute(ANALYSIS, (content, self._row)).fetchone()
        if found is None:
            return None
        packed, made = found
        at_most = (unpack_codes([packed])[0] + 1.0) / SCORE_STEPS  # (T,); the exact scores are in `shown`
        scores = {}
        for index in np.flatnonzero(at_most >= self._thresholds).tolist():
            exact = self._database.execute(SHOWN, (self._row, index, content)).fetchone()
            if exact is not None and exact[0] >= self._thresholds[index]:
                scores[self.tags[index]] = float(exact[0])
        date = datetime.datetime.fromtimestamp(made, datetime.UTC).isoformat(timespec="seconds")
        return scores, ModelRun(self.model, date)


@dataclass(frozen=True, slots=True)
class LibrarySidecars:
    """Writes and forgets the sidecars of a library's photos. What was written is noted after each photo.

    Attributes:
        database: of the library.
        writer: makes the changes, or only says what they would be.
    """

    database: sqlite3.Connection
    writer: SidecarWriter

    def write(self, scores: StoredScores, choice: Choice, within: Sequence[Path] = ()) -> Iterator[Outcome]:
        """Bring all sidecars up to date.

        Args:
            within: only photos in these folders, or these photos; all if there are none.
        """
        for photo in self._photos(within):
            found = scores.of(photo.content)
            if found is None:
                continue
            yield from self.write_photo(photo, found[0], found[1], choice, scores.paths)

    def write_photo(
        self,
        photo: KnownPhoto,
        scores: Mapping[str, float],
        run: ModelRun,
        choice: Choice,
        paths: TagPaths,
        *,
        also: Mapping[str, Decision] | None = None,
    ) -> Iterator[Outcome]:
        """Bring the sidecars of one photo up to date.

        Args:
            scores: of the tags that the model shows.
            run: the model run that gave them.
            paths: of the model's tags.
            also: decisions that count where the library has none.
        """
        decisions = {**(also or {}), **decisions_on(self.database, photo.content)}
        wanted = choice.wanted(scores, paths, decisions)
        refused = {tag for tag, one in decisions.items() if one.verdict == "rejected"}
        outcomes = self.writer.write(photo.path, wanted, run, last=self._noted(photo), refused=refused)
        yield from self._keep(photo, outcomes, {tag for tag in decisions if tag not in refused})

    def forget(self, within: Sequence[Path] = ()) -> Iterator[Outcome]:
        """Take everything of VectorTag's out of the sidecars; `within` as for `write`."""
        for photo in self._photos(within):
            yield from self._keep(photo, self.writer.forget(photo.path, last=self._noted(photo)), ())

    def _photos(self, within: Sequence[Path]) -> Iterator[KnownPhoto]:
        chosen = {Path(path).absolute() for path in within}
        for row, root, path, content in self.database.execute(PHOTOS).fetchall():
            photo = unescape_path(root) / unescape_path(path)
            if not chosen or not chosen.isdisjoint((photo, *photo.parents)):
                yield KnownPhoto(row, photo, content)

    def _noted(self, photo: KnownPhoto) -> Mapping[Path, Record]:
        noted = {}
        for name, record in self.database.execute(WRITTEN, (photo.row,)):
            noted[photo.path.parent / unescape_path(name)] = msgspec.json.decode(record, type=Record)
        return noted

    def _keep(self, photo: KnownPhoto, outcomes: Iterable[Outcome], accepted: Iterable[str]) -> Iterator[Outcome]:
        """Note what was written. A tag that was accepted, and deleted by hand since, is not accepted any more."""
        for one in outcomes:
            if one.sidecar == photo.path:
                if one.what == "changed" and not self.writer.dry_run:
                    follow_content(self.database, photo)
            elif one.what in ("made", "changed", "removed") and not self.writer.dry_run:
                self._note(photo, one)
                if taken_back := set(one.deleted) & set(accepted):
                    withdraw(self.database, photo, taken_back)
            yield one

    def _note(self, photo: KnownPhoto, one: Outcome) -> None:
        name = escape_path(one.sidecar.name)
        with transaction(self.database):
            if one.record is None or one.content is None:
                self.database.execute(DROP, (photo.row, name))
                return
            digest = hashlib.blake2b(one.content, digest_size=16).digest()
            record = msgspec.json.encode(one.record).decode()
            self.database.execute(KEEP, (photo.row, name, record, digest, time.time()))


def follow_content(database: sqlite3.Connection, photo: KnownPhoto) -> None:
    """Give what is known of a photo to its new content, after tags were embedded."""
    content, status = content_of(photo.path), photo.path.stat()
    copies = {
        "analyses": "model, codes, embedding, made",
        "shown": "model, tag, score",
        "decisions": "tag, verdict, renamed_to, at",
    }
    with transaction(database):
        for table, columns in copies.items():
            copied = f"SELECT ?, {columns} FROM {table} WHERE content = ?"
            database.execute(f"INSERT OR IGNORE INTO {table} (content, {columns}) {copied}", (content, photo.content))
        values = (content, status.st_size, changed_ns(status), photo.row)
        database.execute("UPDATE photos SET content = ?, size = ?, mtime_ns = ? WHERE id = ?", values)


def choice_of(library: Settings) -> Choice:
    """Which tags a library's settings put into sidecars."""
    return Choice(
        names_of(library), library.setting(PARENT, ""), library.setting(MIN_SCORE, 0.0), library.setting(BY_STEM, False)
    )


def keep_choice(library: Settings, choice: Choice) -> None:
    """Keep it in the library's settings."""
    keep_names(library, choice.names)
    library.change_setting(PARENT, choice.parent or None)
    library.change_setting(MIN_SCORE, choice.min_score or None)
    library.change_setting(BY_STEM, choice.by_stem or None)


def require_row(row: int | None) -> int:
    """The row of the library's model.

    Raises:
        LibraryError: no photo was analysed yet.
    """
    if row is None:
        raise LibraryError("the library has no tags yet. Run: vectortag library update")
    return row

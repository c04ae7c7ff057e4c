"""Taggings that a library holds: `vectortag tag` takes them from there, where model and photo are as they were."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path, is_missing
from vectortag.core.files import changed_ns
from vectortag.core.folders import library_file
from vectortag.core.types import FailedTagging, StoredPhoto, Tagging
from vectortag.inference.tagger import Tagger
from vectortag.library.folders import covering_root, roots_of
from vectortag.library.library_model import ALWAYS_KEPT, prints_of
from vectortag.library.packing import unpack_scores
from vectortag.library.schema import open_database
from vectortag.personal.added_tags import NO_ADDITIONS, read_additions
from vectortag.runtime.pipeline import batched

log = logging.getLogger(__name__)

TOGETHER = 256
"""Photos that are looked up at a time: those that are not known go through the network together."""

PHOTO = "SELECT content FROM photos WHERE root = ? AND path = ? AND size = ? AND mtime_ns = ? AND gone IS NULL"
SCORES = "SELECT codes FROM analyses WHERE content = ? AND model = ?"


class StoredTaggings:
    """The taggings of a library that a tagger would give, too: of the same model, added tags and corrections included.

    Scores from `ALWAYS_KEPT` on are exact. Lower ones are rounded to a 255th.
    """

    def __init__(self, database: sqlite3.Connection, tagger: Tagger, row: int) -> None:
        self.database, self.tagger, self.row = database, tagger, row
        self.roots = roots_of(database)

    @classmethod
    def open(cls, tagger: Tagger, file: Path | None = None) -> StoredTaggings | None:
        """Open a library for a tagger; None if there is none, or if its scores are of another model.

        Args:
            file: the library; None is the default one. One that is missing or cannot be used is named in a warning.
        """
        path = library_file() if file is None else file
        if file is None and is_missing(path):
            return None
        try:
            database = open_database(path, create=False)
        except LibraryError as error:
            log.warning("%s. Its taggings are not used", error)
            return None
        row = _row_for(database, tagger)
        if row is None:
            database.close()
            return None
        return cls(database, tagger, row)

    def close(self) -> None:
        """Close the library."""
        self.database.close()

    def of(self, photo: Path | StoredPhoto) -> Tagging | None:
        """The tagging of a photo; None if the library has none, if the photo changed, or if it is no file."""
        if isinstance(photo, StoredPhoto):
            return None
        absolute = Path(os.path.abspath(photo))  # noqa: PTH100
        root = covering_root(self.roots, absolute)
        if root is None:
            return None
        try:
            status = absolute.stat()
        except OSError:
            return None
        path = escape_path(absolute.relative_to(root.path).as_posix())
        found = self.database.execute(PHOTO, (root.id, path, status.st_size, changed_ns(status))).fetchone()
        packed = found and self.database.execute(SCORES, (found[0], self.row)).fetchone()
        return replace(self.tagger.decide(self._scores(found[0], packed[0])), path=str(photo)) if packed else None

    def _scores(self, content: bytes, packed: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """(T,): exact where they may be shown."""
        scores = unpack_scores([packed])[0, : len(self.tagger.tags)].copy()
        likely = np.flatnonzero(scores >= ALWAYS_KEPT - 0.01).tolist()
        places = ",".join(map(str, likely))
        query = f"SELECT tag, score FROM shown WHERE model = ? AND tag IN ({places}) AND content = ?"
        for tag, score in self.database.execute(query, (self.row, content)):
            scores[tag] = score
        return scores

    def tag_many(self, photos: Iterable[Path | StoredPhoto]) -> Iterator[Tagging | FailedTagging]:
        """As `Tagger.tag_many`, in the order of the photos; only those that are not stored go through the network."""
        with closing(self):
            for some in batched(photos, TOGETHER):
                known = [self.of(photo) for photo in some]
                unknown = [photo for photo, one in zip(some, known, strict=True) if one is None]
                fresh = self.tagger.tag_many(unknown)
                yield from (next(fresh) if one is None else one for one in known)


def _row_for(database: sqlite3.Connection, tagger: Tagger) -> int | None:
    """The row of `models` whose scores are the tagger's; thresholds may be of any profile from `ALWAYS_KEPT` on."""
    if np.nanmin(tagger.thresholds, initial=1.0) < ALWAYS_KEPT:
        return None
    key = (tagger.folder.digest, tagger.embedder.session.precision, tagger.embedder.size)
    query = "SELECT id, tags, prints FROM models WHERE digest = ? AND precision = ? AND size = ?"
    found = database.execute(query, key).fetchone()
    if found is None:
        return None
    additions = read_additions(tagger.folder) if tagger.additions else NO_ADDITIONS
    if tuple(tag.name for tag in additions.tags) != tuple(tag.name for tag in tagger.additions):
        return None
    tags, prints = json.loads(found[1]), json.loads(found[2])
    expected = list(prints_of(tagger.tags, additions, tagger.refits))
    count = len(tagger.tags)
    return int(found[0]) if (tags[:count], prints[:count]) == (list(tagger.tags), expected) else None

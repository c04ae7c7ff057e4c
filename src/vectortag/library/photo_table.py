"""The photos that a search looks at, as arrays: newest first, with the content of each.

Scores and decisions are kept by content, and two photos may have the same one. So a search computes one number for each
of the U contents, and `spread` gives it to each of the N photos.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray

CONTENT_SIZE = 16
"""Bytes of a content's hash."""

Keys = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

PHOTOS = """
    SELECT photos.id, coalesce(content, x'') FROM photos JOIN roots ON roots.id = root
    WHERE gone IS NULL AND (roots.state = 'online' OR ?) ORDER BY taken DESC, photos.id
"""


@dataclass(frozen=True, eq=False)
class PhotoTable:
    """Attributes:

    ids: (N,) of `photos.id`; the newest photo first, and those without a date last.
    keys: (U,) of the contents, rising; see `keys_of`.
    contents: (N,) the place of each photo's content among `keys`; -1 where it was never read.
    """

    ids: Ids
    keys: Keys
    contents: Rows

    @classmethod
    def read(cls, database: sqlite3.Connection, *, offline: bool) -> PhotoTable:
        """Read what is there of the photos, in one query.

        Args:
            offline: also the photos in folders that are not there, such as of a drive that was unplugged.
        """
        rows = database.execute(PHOTOS, (offline,)).fetchall()
        ids = np.array([row[0] for row in rows], np.int64)
        has_content = np.array([len(row[1]) == CONTENT_SIZE for row in rows], bool)
        keys, places = np.unique(keys_of([row[1] for row in rows if row[1]]), return_inverse=True)
        contents = np.full(len(rows), -1, np.intp)
        contents[has_content] = places
        return cls(ids, keys, contents)

    def __len__(self) -> int:
        return len(self.ids)

    def spread(self, values: FloatArray) -> FloatArray:
        """From contents to photos: (U,) -> (N,); 0 where a photo's content was never read."""
        return np.append(values, np.float32(0))[self.contents]

    def places_of(self, keys: Keys) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """Where some keys (M,) are among the contents, (M,), and which of them are there at all, (M,)."""
        if not len(self.keys):
            return np.zeros(len(keys), np.intp), np.zeros(len(keys), bool)
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return places, self.keys[places] == keys

    def of_contents(self, contents: Sequence[bytes], values: Sequence[float]) -> FloatArray:
        """What some contents have, as an array of all: -> (U,); 0 for the others."""
        found = np.zeros(len(self.keys), np.float32)
        places, known = self.places_of(keys_of(contents))
        found[places[known]] = np.asarray(values, np.float32)[known]
        return found

    def of_ids(self, ids: Sequence[int]) -> FloatArray:
        """1 for some photos, 0 for the others: -> (N,)."""
        found = np.zeros(len(self), np.float32)
        if len(self):
            wanted = np.asarray(ids, np.int64)
            rows = self._by_id[np.searchsorted(self.ids, wanted, sorter=self._by_id).clip(max=len(self) - 1)]
            found[rows[self.ids[rows] == wanted]] = 1
        return found

    @functools.cached_property
    def _by_id(self) -> Rows:
        return np.argsort(self.ids)


def keys_of(contents: Sequence[bytes]) -> Keys:
    """The first 8 bytes of each content's hash, as a number: (M,).

    A million photos share one of these with a chance of 3 in 100 million.
    """
    halves = np.frombuffer(b"".join(contents), ">u8").reshape(len(contents), 2)
    return halves[:, 0].astype(np.uint64)

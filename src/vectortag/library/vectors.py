"""Memory maps of int8 vectors beside a library's database, for scans of all its photos: `near:`, and sentences.

A map is derived from the table `analyses`, and may be deleted at any time. Its name tells of which rows it was made: a
map of other rows is left aside and made anew. It is written under a temporary name, so what has the name is whole.
The scan is exact for the vectors as they are kept. No index: see benchmarks/library_search.py for its time.

    NAME.sqlite.vectors/embeddings-MODEL-ROWS-LAST-MADE.map    what `near:` compares
    NAME.sqlite.vectors/directions-MODEL-ROWS-LAST-MADE.map    what a sentence is compared with

The file is codes (V, D) int8, then 1 / length of each row (V,) float32, then keys (V,) uint64 as in photo_table.py.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path
from vectortag.core.types import FloatArray
from vectortag.core.writing import atomic_output
from vectortag.library.packing import LARGEST, unpack_embeddings
from vectortag.library.photo_table import Keys, Rows, keys_of
from vectortag.runtime.blas import one_thread
from vectortag.runtime.cpu import usable_cores

log = logging.getLogger(__name__)

Codes = npt.NDArray[np.int8]
Directions = Callable[[FloatArray], FloatArray]
"""From embeddings (n, K) to what is kept of them, (n, D)."""

BLOCK_NUMBERS = 100_000
"""Numbers that become float32 at a time, 400 kB: they fit into a core's cache."""

SHARE = 50_000
"""Fewer rows are not worth a second thread."""

BATCH = 2048
"""Rows that are read from the database at a time."""

STAMP = "SELECT count(*), coalesce(max(rowid), 0) FROM analyses WHERE model = ?"
MADE = "SELECT made FROM analyses WHERE rowid = ?"
EMBEDDINGS = "SELECT content, embedding FROM analyses WHERE model = ? ORDER BY rowid"


@dataclass(frozen=True, eq=False)
class VectorMap:
    """Attributes: `codes` (V, D) int8, `inverse_lengths` (V,) of its rows, and `keys` (V,) of their contents."""

    codes: Codes
    inverse_lengths: FloatArray
    keys: Keys

    @classmethod
    def empty(cls) -> VectorMap:
        """The map of a library without vectors."""
        return cls(np.empty((0, 0), np.int8), np.empty(0, np.float32), np.empty(0, np.uint64))

    def __len__(self) -> int:
        return len(self.keys)

    def cosines(self, query: FloatArray) -> FloatArray:
        """The cosine of each vector with a query (D,) of length 1: -> (V,)."""
        if not len(self):
            return np.empty(0, np.float32)
        threads = min(usable_cores(), -(-len(self) // SHARE))
        edges = np.linspace(0, len(self), threads + 1).astype(int).tolist()
        found = np.empty(len(self), np.float32)

        width = self.codes.shape[1]
        rows = max(1, BLOCK_NUMBERS // width)

        def scan(part: int) -> None:
            block = np.empty((rows, width), np.float32)
            for start in range(edges[part], edges[part + 1], rows):
                stop = min(start + rows, edges[part + 1])
                floats = block[: stop - start]
                np.copyto(floats, self.codes[start:stop])
                np.dot(floats, query, out=found[start:stop])

        with one_thread(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(scan, range(threads)))
        found *= self.inverse_lengths
        return found

    def rows(self, rows: Rows) -> VectorMap:
        """The map of some rows."""
        return VectorMap(self.codes[rows], self.inverse_lengths[rows], self.keys[rows])

    def floats(self) -> FloatArray:
        """All vectors at length 1, (V, D) float32."""
        return self.codes.astype(np.float32) * self.inverse_lengths[:, None]

    @functools.cached_property
    def _order(self) -> Rows:
        return np.argsort(self.keys, kind="stable")

    def rows_of(self, keys: Keys) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The row of each content (M,), any row where it has none, and which have one, (M,)."""
        if not len(self):
            return np.zeros(len(keys), np.intp), np.zeros(len(keys), bool)
        rows = self._order[np.searchsorted(self.keys, keys, sorter=self._order).clip(max=len(self) - 1)]
        return rows, self.keys[rows] == keys


def open_vectors(
    database: sqlite3.Connection, file: Path, *, model: int, digest: str, directions: Directions | None = None
) -> VectorMap:
    """Map the vectors of a library's photos; they are written first if the database has changed.

    Args:
        file: the database's.
        model: the row of `models`.
        digest: of the model; it tells models apart whose row was used again.
        directions: makes the vectors of sentences; None: the embeddings themselves.

    Where nothing can be written beside the database, the vectors are in memory and last as long as the process.
    """
    with snapshot(database):
        count, last = database.execute(STAMP, (model,)).fetchone()
        made = database.execute(MADE, (last,)).fetchone()
        kind = f"{'embeddings' if directions is None else 'directions'}-{digest[:16]}.{model}"
        path = file.with_name(f"{file.name}.vectors") / f"{kind}-{count}-{last}-{made[0] if made else 0:.6f}.map"
        if (found := _opened(path, count)) is not None:
            return found
        older = None if directions is None else _older(path.parent, kind)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_output(path) as output:
                _write(output, _rows(database, model, directions, older))
        except (OutputError, OSError) as error:
            log.warning("the vectors of the photos are kept in memory for this time: %s", error)
            return _in_memory(_rows(database, model, directions, older))
    _remove_others(path, kind)
    return _opened(path, count) or _in_memory(_rows(database, model, directions, None))


@contextlib.contextmanager
def snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """All queries of the block see the database as it is at the first of them."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("ROLLBACK")


def _opened(path: Path, count: int) -> VectorMap | None:
    """The map of that name; None if there is none, or its length is wrong."""
    if not count:
        return VectorMap.empty()
    try:
        raw = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return None
    width, rest = divmod(len(raw) - 12 * count, count)
    if width <= 0 or rest:
        return None
    codes, lengths, keys = np.split(raw, [width * count, (width + 4) * count])
    return VectorMap(
        codes.view(np.int8).reshape(count, width),
        np.frombuffer(lengths.tobytes(), np.float32),
        np.frombuffer(keys.tobytes(), np.uint64),
    )


def _older(folder: Path, kind: str) -> VectorMap | None:
    """A map of earlier rows: what is in it need not be computed again."""
    for path in sorted(folder.glob(f"{kind}-*.map")) if folder.is_dir() else ():
        count = re.fullmatch(rf"{re.escape(kind)}-([0-9]+)-.*", path.name)
        if count and (found := _opened(path, int(count[1]))) is not None and len(found):
            return found
    return None


Batch = tuple[Codes, FloatArray, Keys]


def _rows(
    database: sqlite3.Connection, model: int, directions: Directions | None, older: VectorMap | None
) -> Iterator[Batch]:
    """Yield codes (n, D), inverse lengths (n,) and keys (n,) of all rows, some at a time."""
    cursor = database.execute(EMBEDDINGS, (model,))
    while rows := cursor.fetchmany(BATCH):
        keys, packed = keys_of([row[0] for row in rows]), [row[1] for row in rows]
        if directions is None:
            raw = np.frombuffer(b"".join(packed), np.int8).reshape(len(packed), -1)
            codes = np.ascontiguousarray(raw[:, 4:])
        else:
            codes = _directions_of(keys, packed, directions, older)
        lengths = np.linalg.norm(codes.astype(np.float32), axis=1)
        yield codes, (1 / np.maximum(lengths, 1)).astype(np.float32), keys


def _directions_of(keys: Keys, packed: list[bytes], directions: Directions, older: VectorMap | None) -> Codes:
    """The codes of directions, (n, D): those that are in an older map are copied from it."""
    if older is None:
        return _in_bytes(directions(unpack_embeddings(packed)))
    rows, known = older.rows_of(keys)
    codes: Codes = older.codes[rows]
    if not known.all():
        new = np.flatnonzero(~known).tolist()
        codes[new] = _in_bytes(directions(unpack_embeddings([packed[row] for row in new])))
    return codes


def _in_bytes(vectors: FloatArray) -> Codes:
    """(n, D) as int8, each row on the scale of its largest value. The scale goes away in a cosine."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-12)
    return np.rint(vectors * (LARGEST / largest)).astype(np.int8)


def _write(output: BinaryIO, rows: Iterator[Batch]) -> None:
    lengths, keys = [np.empty(0, np.float32)], [np.empty(0, np.uint64)]
    for codes, some_lengths, some_keys in rows:
        output.write(codes.tobytes())
        lengths.append(some_lengths)
        keys.append(some_keys)
    output.write(np.concatenate(lengths).tobytes() + np.concatenate(keys).tobytes())


def _in_memory(rows: Iterator[Batch]) -> VectorMap:
    codes, lengths, keys = zip(*rows, strict=True)
    return VectorMap(np.concatenate(codes), np.concatenate(lengths), np.concatenate(keys))


def _remove_others(path: Path, kind: str) -> None:
    for other in path.parent.glob(f"{kind}-*.map"):
        if other != path:
            try:
                other.unlink(missing_ok=True)
            except OSError as error:  # on Windows, another process may have mapped it
                log.debug("%s: cannot be removed: %s", escape_path(other), error)

"""Which vectors have another one near them, found exactly, without all of their numbers.

Each vector of length 1 is turned so that few numbers hold most of it, the rest of it has the length r. Then

    x . y <= head(x) . head(y) + r(x) * r(y)

by Cauchy and Schwarz: a pair below the limit by this bound needs no second look. The bound is one matrix product of
HEAD + 1 columns; of the pairs that are left, the cosine is computed in full, unless both vectors are known to have a
near one already. So memory is bounded however many pairs there are, as in a thousand pictures of one camera.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray
from vectortag.library.photo_table import Rows
from vectortag.library.vectors import VectorMap
from vectortag.runtime.blas import one_thread

HEAD = 256
"""Numbers of the head."""

SAMPLE = 4096
"""Vectors by which the turn is chosen, which only decides how tight the bound is. If there are no more than these, none
is turned: their products in full are cheaper."""

BLOCK = 1024
"""Rows a side of a product: 4 MB, and 40 MB for its pairs, if all were near."""

ROUNDING = np.float32(1e-4)
"""What a sum of float32 may be off."""

Pairs = npt.NDArray[np.intp]


def have_near(vectors: VectorMap, rows: Rows, least: float) -> npt.NDArray[np.bool_]:
    """Which of some vectors have another one among them with a cosine of at least `least`.

    Args:
        rows: (M,) of the map, each once.

    Returns:
        (M,).
    """
    found = np.zeros(len(rows), bool)
    if len(rows) < 2:
        return found
    for pairs in _candidates(_heads(vectors, rows), np.float32(least) - ROUNDING):
        for start in range(0, len(pairs), BLOCK):
            some = pairs[start : start + BLOCK]
            some = some[~found[some].all(axis=1)]
            one, other = (vectors.rows(rows[some[:, side]]).floats() for side in (0, 1))
            found[some[(one * other).sum(axis=1) >= least]] = True
    return found


def _heads(vectors: VectorMap, rows: Rows) -> FloatArray:
    """(M, HEAD + 1): the turned vectors' first numbers, and the length of the rest."""
    count = len(rows)
    if count <= SAMPLE:
        return np.pad(vectors.rows(rows).floats(), ((0, 0), (0, 1)))
    sample = vectors.rows(rows[np.linspace(0, count - 1, SAMPLE).astype(np.intp)]).floats()
    with one_thread():
        _, turn = np.linalg.eigh(sample.T @ sample)  # (K, K), the strongest directions last
    turn = turn[:, -HEAD:].astype(np.float32)
    heads = np.empty((count, turn.shape[1] + 1), np.float32)
    for start in range(0, count, BLOCK):
        part = slice(start, min(start + BLOCK, count))
        heads[part, :-1] = vectors.rows(rows[part]).floats() @ turn
    heads[:, -1] = np.sqrt((1 - (heads[:, :-1] ** 2).sum(axis=1)).clip(min=0))
    return heads


def _candidates(heads: FloatArray, least: np.float32) -> Iterator[Pairs]:
    for top in range(0, len(heads), BLOCK):
        for left in range(top, len(heads), BLOCK):
            bounds = heads[top : top + BLOCK] @ heads[left : left + BLOCK].T
            rows, columns = np.nonzero(bounds >= least)
            pairs = np.stack([rows + top, columns + left], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]]

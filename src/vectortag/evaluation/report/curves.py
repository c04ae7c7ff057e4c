"""What the figures of a report show, as arrays.

Scores are (N, T) float32, targets (N, T) uint8 with 1 = has the tag, 0 = does not have it, 255 = unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import check_shapes
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray

Indexes = npt.NDArray[np.intp]

FEWEST_PHOTOS = 5
"""Of fewer, a share says nothing."""


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision and recall at every distinct score as threshold, the highest first: (P,) each."""

    precision: Doubles
    recall: Doubles


def precision_recall(scores: FloatArray, targets: ByteArray) -> PrecisionRecall:
    """The curve over all known entries together: micro-averaged. Empty if there is no positive.

    >>> precision_recall(np.float32([[.9, .8, .1]]), np.uint8([[1, 0, 1]])).precision
    array([1.        , 0.5       , 0.66666667])
    """
    check_shapes(scores, targets)
    known = targets != UNKNOWN
    ranked = np.argsort(-scores[known], kind="stable")
    values, truth = scores[known][ranked], targets[known][ranked] == 1
    if not truth.any():
        return PrecisionRecall(np.empty(0), np.empty(0))
    last_of_tie = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    hits = np.cumsum(truth)[last_of_tie]
    return PrecisionRecall(hits / (last_of_tie + 1), hits / hits[-1])


def most_frequent(targets: ByteArray, count: int) -> Indexes:
    """The indexes of the tags with the most positives, most frequent first; those without any are left out."""
    positives = (targets == 1).sum(axis=0)
    order = np.argsort(-positives, kind="stable")[:count]
    return order[positives[order] > 0]


def co_occurrence(targets: ByteArray, indexes: Indexes) -> Doubles:
    """Of the photos that have tag i and of which tag j is known, the share that have j: (P, P).

    Args:
        targets: (N, T).
        indexes: (P,) which tags.

    Returns:
        Row i, column j; NaN on the diagonal, and where j is known of fewer than FEWEST_PHOTOS photos that have i.
    """
    present = (targets[:, indexes] == 1).astype(np.float64)  # (N, P)
    known = (targets[:, indexes] != UNKNOWN).astype(np.float64)  # (N, P)
    both, judged = present.T @ present, present.T @ known  # (P, N) @ (N, P) -> (P, P)
    shares = np.divide(both, judged, out=np.full(both.shape, np.nan), where=judged >= FEWEST_PHOTOS)
    np.fill_diagonal(shares, np.nan)
    return shares

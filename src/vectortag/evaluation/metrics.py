"""How good scores are, against targets in which some entries are unknown.

Everywhere: scores are (N, T) float32, targets are (N, T) uint8 with 1 = has the tag, 0 = does not have it,
255 = unknown. Unknown entries count for nothing. Equal to scikit-learn where it has the same metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import check_shapes
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray

Integers = npt.NDArray[np.intp]

BINS = 15
"""Equal-width bins of the expected calibration error, as in Guo et al. 2017 (arXiv:1706.04599)."""

ENOUGH_PHOTOS = 5
"""A tag with fewer validation photos is called best or worst only where there are no others: its AP is mostly luck."""


def average_precision(scores: FloatArray, targets: ByteArray) -> Doubles:
    """Average precision per tag: sum over thresholds of (R_n - R_{n-1}) * P_n, without interpolation.

    Returns:
        (T,) in [0, 1]; NaN for a tag without positives or without negatives, whose AP would say nothing.

    >>> average_precision(np.float32([[.9], [.8], [.1]]), np.uint8([[1], [0], [1]]))
    array([0.83333333])
    """
    check_shapes(scores, targets)
    result = np.full(scores.shape[1], np.nan)
    for tag in range(scores.shape[1]):
        known = targets[:, tag] != UNKNOWN
        truth = targets[known, tag] == 1
        if truth.any() and not truth.all():
            result[tag] = _average_precision(scores[known, tag], truth)
    return result


def _average_precision(scores: FloatArray, truth: npt.NDArray[np.bool_]) -> float:
    hits, predicted = _at_each_threshold(scores, truth)
    recall_steps = np.diff(hits, prepend=0) / hits[-1]
    return float(recall_steps @ (hits / predicted))


def _at_each_threshold(scores: FloatArray, truth: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """How many positives reach each distinct score, and how many entries do, from the highest score on."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return np.cumsum(truth[order], dtype=np.intp)[last_of_tie], last_of_tie + 1


def highest_micro_f1(scores: FloatArray, targets: ByteArray) -> float:
    """The highest F1 over all known entries together that one threshold for all tags gives; NaN without positives.

    It flatters, since the threshold is chosen on the same photos: use it to compare epochs.

    >>> highest_micro_f1(np.float32([[.9, .8, .1]]), np.uint8([[1, 0, 1]]))
    0.8
    """
    check_shapes(scores, targets)
    known = targets != UNKNOWN
    values, truth = scores[known], targets[known] == 1
    if not truth.any():
        return float("nan")
    hits, predicted = _at_each_threshold(values, truth)
    return float((2 * hits / (predicted + hits[-1])).max())


@dataclass(frozen=True, slots=True)
class Counts:
    """Per tag, (T,) each: right predictions, all predictions, all positives, among the known entries."""

    hits: Doubles
    predicted: Doubles
    positives: Doubles

    @property
    def precision(self) -> Doubles:
        """Per tag; 0 for a tag that was never predicted."""
        return _ratio(self.hits, self.predicted)

    @property
    def recall(self) -> Doubles:
        """Per tag; 0 for a tag without positives."""
        return _ratio(self.hits, self.positives)

    @property
    def f1(self) -> Doubles:
        """Per tag; 0 if nothing was predicted and nothing was there."""
        return _ratio(2 * self.hits, self.predicted + self.positives)

    @property
    def micro_f1(self) -> float:
        """F1 over all entries together."""
        return float(_ratio(2 * self.hits.sum(), self.predicted.sum() + self.positives.sum()))

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the tags that have positives; NaN if none has."""
        with_positives = self.positives > 0
        return float(self.f1[with_positives].mean()) if with_positives.any() else float("nan")


def count(predicted: npt.NDArray[np.bool_], targets: ByteArray) -> Counts:
    """Count predictions (N, T) against targets (N, T)."""
    check_shapes(predicted, targets)
    known = targets != UNKNOWN
    truth = targets == 1
    return Counts(
        hits=(predicted & truth).sum(axis=0).astype(np.float64),
        predicted=(predicted & known).sum(axis=0).astype(np.float64),
        positives=truth.sum(axis=0).astype(np.float64),
    )


def top_k(scores: FloatArray, targets: ByteArray, k: int) -> npt.NDArray[np.bool_]:
    """Predict, for each photo, the k highest-scored of the tags that are known for it: (N, T) bool."""
    check_shapes(scores, targets)
    ranked = np.where(targets == UNKNOWN, -np.inf, scores)
    best = np.argsort(-ranked, axis=1, kind="stable")[:, :k]
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, best, True, axis=1)
    return chosen & (targets != UNKNOWN)


@dataclass(frozen=True, slots=True)
class AtFive:
    """The annotation literature's figures at k tags a photo (Guillaumin et al. 2009, TagProp).

    Precision and recall are means over the tags that have positives; a tag never predicted counts 0.
    `f1` is the F1 of these two means, `n_plus` the number of tags with recall above 0.
    """

    precision: float
    recall: float
    f1: float
    n_plus: int


def at_k(scores: FloatArray, targets: ByteArray, k: int = 5) -> AtFive:
    """Precision, recall, F1 and N+ with exactly k tags for every photo."""
    counts = count(top_k(scores, targets, k), targets)
    tested = counts.positives > 0
    if not tested.any():
        return AtFive(float("nan"), float("nan"), float("nan"), 0)
    precision, recall = float(counts.precision[tested].mean()), float(counts.recall[tested].mean())
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return AtFive(precision, recall, f1, int((counts.hits[tested] > 0).sum()))


def calibration_error(scores: FloatArray, targets: ByteArray, *, bins: int = BINS) -> float:
    """Expected calibration error over all known entries: sum over bins of share * |mean score - share of positives|.

    Returns:
        In [0, 1]; NaN if nothing is known.

    >>> round(calibration_error(np.float32([[.75], [.75], [.75], [.75]]), np.uint8([[1], [1], [1], [0]])), 6)
    0.0
    """
    check_shapes(scores, targets)
    known = targets != UNKNOWN
    return _binned_error(scores[known], targets[known], bins)


def calibration_error_per_tag(scores: FloatArray, targets: ByteArray, *, bins: int = BINS) -> Doubles:
    """Expected calibration error of each tag: (T,); NaN if a tag is never known."""
    check_shapes(scores, targets)
    known = targets != UNKNOWN
    columns = range(scores.shape[1])
    return np.array([_binned_error(scores[known[:, t], t], targets[known[:, t], t], bins) for t in columns])


def _binned_error(scores: FloatArray, targets: ByteArray, bins: int) -> float:
    if not len(scores):
        return float("nan")
    index = np.minimum((scores * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(index, weights=scores.astype(np.float64) - targets, minlength=bins)
    return float(np.abs(gaps).sum() / len(scores))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal width of the known entries: mean score, share of positives, number of entries: (B,) each.

    The first two are NaN in an empty bin.
    """

    score: Doubles
    share: Doubles
    entries: npt.NDArray[np.intp]


def reliability(scores: FloatArray, targets: ByteArray, *, bins: int = BINS) -> Reliability:
    """What the expected calibration error is made of (Guo et al. 2017, arXiv:1706.04599)."""
    check_shapes(scores, targets)
    known = targets != UNKNOWN
    index = np.minimum((scores[known] * bins).astype(np.intp), bins - 1)
    entries = np.bincount(index, minlength=bins)
    filled = np.where(entries > 0, entries, np.nan)
    score = np.bincount(index, weights=scores[known], minlength=bins) / filled
    share = np.bincount(index, weights=targets[known] == 1, minlength=bins) / filled
    return Reliability(score, share, entries)


def rank_tags(precisions: Doubles, positives: npt.NDArray[np.integer]) -> list[int]:
    """The indexes of the tags that have an average precision, best first.

    Tags with fewer than ENOUGH_PHOTOS positives are left out, unless that would leave fewer than two.

    Args:
        precisions: (T,), NaN for a tag that has none.
        positives: (T,) how many photos have the tag.
    """
    order = [int(index) for index in np.argsort(-precisions, kind="stable") if not np.isnan(precisions[index])]
    enough = [index for index in order if positives[index] >= ENOUGH_PHOTOS]
    return enough if len(enough) >= 2 else order


def best_and_worst(ranked: Sequence[int], most: int) -> tuple[list[int], list[int]]:
    """At most `most` from the beginning and from the end, in their order; none is in both.

    >>> best_and_worst([5, 2, 7], 4)
    ([5, 2], [7])
    """
    best = list(ranked[: min(most, (len(ranked) + 1) // 2)])
    return best, list(ranked[max(len(best), len(ranked) - most) :])


def mean_over_tags(values: Doubles) -> float:
    """The mean of the values that are not NaN; NaN where all are."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)

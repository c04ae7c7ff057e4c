"""From logits to honest scores, and from scores to decisions.

Scores are calibrated by Platt scaling, one slope and one bias a tag, pulled towards those of all tags together so that
a tag with few photos does not get a curve of its own from noise. Thresholds are chosen per tag on calibrated scores.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import check_shapes, fit_platt, sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray

Profile = Literal["precise", "balanced", "thorough"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
F_BETA: dict[Profile, float] = {"precise": 0.5, "balanced": 1.0, "thorough": 2.0}
"""What each profile maximises: F0.5 counts a wrong tag as twice as bad as a missed one, F2 the other way round."""

FLOOR: dict[Profile, float] = {"precise": 0.5, "balanced": 0.45, "thorough": 0.05}
"""No threshold is lower than this. For a tag that is hard to tell, F1 asks for a threshold of half that F1: 0.05 for an
F1 of 0.1, which shows tags that are wrong 19 times in 20. On the validation photos of `lite2` a floor of 0.45 instead
of 0.35 costs 0.7 points of micro F1; on photos unlike them, 91 instead of 86 % of what is shown is right."""

COMMONEST: dict[Profile, float] = {"precise": 0.1, "balanced": 0.1, "thorough": 1.0}
"""A threshold is chosen as if no more than this share of all photos had the tag. Where two thirds of the photos show
people, F1 asks to guess "person" of whatever is unlike anything known; among anyone's own photos that is the error seen
most often. On the validation photos of `lite2` a tenth costs 0.6 points of micro F1."""

PRIOR_STRENGTH = 20.0
"""How strongly one tag's curve is pulled to the common one, as a precision on (slope, bias); chosen on validation."""


def calibrated(logits: FloatArray, slope: FloatArray, bias: FloatArray) -> FloatArray:
    """Scores of logits: sigmoid(slope * logit + bias), (N, T), (T,), (T,) -> (N, T) float32."""
    return sigmoid(slope * logits + bias).astype(np.float32)


def fit_calibration(
    logits: FloatArray, targets: ByteArray, *, common: npt.NDArray[np.float64] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Fit `score = sigmoid(slope * logit + bias)` per tag (Platt 1999).

    Args:
        logits: (N, T) float32.
        targets: (N, T) uint8, multi-hot; 255 marks "not annotated".
        common: slope and bias of all tags together, (2,); None fits them, too.

    Returns:
        slope and bias, each (T,) float32. A tag that was never annotated gets the common curve.

    Raises:
        ShapeError: the two shapes differ.
    """
    check_shapes(logits, targets)
    known = targets != UNKNOWN
    if common is None:
        common = fit_platt(logits[known], targets[known], prior=np.array([1.0, 0.0]), strength=1e-3)
    curves = np.tile(common, (logits.shape[1], 1))  # (T, 2)
    for tag in range(logits.shape[1]):
        rows = known[:, tag]
        if rows.any():
            curves[tag] = fit_platt(logits[rows, tag], targets[rows, tag], prior=common, strength=PRIOR_STRENGTH)
    return curves[:, 0].astype(np.float32), curves[:, 1].astype(np.float32)


def fit_thresholds(
    scores: FloatArray, targets: ByteArray, *, beta: float = 1.0, floor: float = 0.0, commonest: float = 1.0
) -> FloatArray:
    """Choose, per tag, the highest observed score that, used as threshold (score >= threshold), maximises F-beta.

    Args:
        scores: (N, T) float32 in [0, 1], calibrated.
        targets: (N, T) uint8, multi-hot; 255 marks "not annotated".
        beta: how many times as much recall counts as precision.
        floor: a lower threshold is raised to this.
        commonest: photos without the tag are weighed so that no larger share of all has it.

    Returns:
        (T,) float32. A tag without positives gets NaN and is never predicted.

    Raises:
        ShapeError: the two shapes differ.

    >>> fit_thresholds(np.float32([[.9], [.2]]), np.uint8([[1], [0]]))
    array([0.9], dtype=float32)
    """
    check_shapes(scores, targets)
    thresholds = np.full(scores.shape[1], np.nan, np.float32)
    for tag in range(scores.shape[1]):
        rows = targets[:, tag] != UNKNOWN
        has = targets[rows, tag] == 1
        if has.any():
            rarer = max(1.0, has.sum() * (1 / commonest - 1) / max((~has).sum(), 1))
            thresholds[tag] = best_threshold(scores[rows, tag], has, beta, np.where(has, 1.0, rarer))
    return np.maximum(thresholds, np.float32(floor))  # NaN stays NaN


def best_threshold(
    scores: npt.NDArray[np.floating],
    truth: npt.NDArray[np.bool_],
    beta: float,
    weights: npt.NDArray[np.float64] | None = None,
) -> float:
    """The highest score that, used as threshold, maximises F-beta: (n,), (n,) -> a number; one is a positive.

    Args:
        weights: how much each row counts; None is 1 each.
    """
    count = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum((count * truth)[order])
    taken = np.cumsum(count[order])
    f_beta = (1 + beta**2) * hits / (beta**2 * hits[-1] + taken)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are taken together or not at all
    return float(ranked[int(np.argmax(np.where(last_of_tie, f_beta, -1.0)))])


def lowest_threshold(
    scores: npt.NDArray[np.floating],
    truth: npt.NDArray[np.bool_],
    precision: float,
    weights: npt.NDArray[np.float64] | None = None,
) -> float:
    """The lowest score from which on, used as threshold, the precision is reached: (n,), (n,) -> a number.

    Where it never is, the precision itself: what an honest score would need.

    Args:
        weights: how much each row counts; None is 1 each.
    """
    count = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits, taken = np.cumsum((count * truth)[order]), np.cumsum(count[order])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are taken together or not at all
    reached = np.flatnonzero(last_of_tie & (hits >= precision * taken))
    return float(ranked[reached[-1]]) if len(reached) else precision

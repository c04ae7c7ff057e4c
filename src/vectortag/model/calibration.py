"""From logits to honest scores, and from scores to decisions.

Scores are calibrated by Platt scaling, one slope and one bias a tag, pulled towards those of all tags together so that
a tag with few photos does not get a curve of its own from noise. Thresholds are chosen per tag on calibrated scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import check_shapes, fit_platt, sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray

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


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """From the logits of T tags to scores, and from scores to decisions.

    Attributes:
        slope, bias: (T,), score = sigmoid(slope * logit + bias).
        thresholds: by profile, (T,); NaN if a tag has no threshold and is never predicted.
    """

    slope: npt.NDArray[np.floating]
    bias: npt.NDArray[np.floating]
    thresholds: Mapping[Profile, npt.NDArray[np.floating]]

    @classmethod
    def of_one(cls, slope: float, bias: float, thresholds: Mapping[Profile, float]) -> Calibration:
        """The calibration of one tag, in float64."""
        return cls(np.array([slope]), np.array([bias]), {p: np.array([value]) for p, value in thresholds.items()})

    @classmethod
    def joined(cls, parts: Sequence[Calibration]) -> Calibration:
        """The calibrations of all parts one after the other, in float32."""
        return cls(
            np.concatenate([part.slope for part in parts]).astype(np.float32),
            np.concatenate([part.bias for part in parts]).astype(np.float32),
            {p: np.concatenate([part.thresholds[p] for part in parts]).astype(np.float32) for p in PROFILES},
        )

    def one(self, tag: int) -> tuple[float, float, dict[Profile, float]]:
        """Slope, bias and thresholds of the tag at this index, as plain numbers."""
        thresholds = {profile: float(values[tag]) for profile, values in self.thresholds.items()}
        return float(self.slope[tag]), float(self.bias[tag]), thresholds

    def logits(self, logits: FloatArray) -> FloatArray:
        """Calibrated logits, slope * logit + bias: (N, T) -> (N, T)."""
        scaled: FloatArray = self.slope * logits + self.bias
        return scaled

    def scores(self, logits: FloatArray) -> FloatArray:
        """Calibrated scores, the sigmoid of calibrated logits: (N, T) -> (N, T) float32."""
        return sigmoid(self.logits(logits)).astype(np.float32)


def fit_calibration(
    logits: FloatArray, targets: ByteArray, *, common: Doubles | None = None
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


def rare_weights(truth: npt.NDArray[np.bool_], prevalence: float, photos: float) -> Doubles:
    """Weights (n,) under which `photos` photos were seen, of which the share `prevalence` is positive.

    Args:
        truth: (n,), which photos are positive.
    """
    positives, negatives = max(int(truth.sum()), 1), max(int((~truth).sum()), 1)
    return photos * np.where(truth, prevalence / positives, (1 - prevalence) / negatives)


def calibrate_rare(
    values: npt.NDArray[np.floating],
    truth: npt.NDArray[np.bool_],
    weights: Doubles,
    *,
    prior: Doubles,
    strength: float,
    precision: Mapping[Profile, float] | None = None,
) -> Calibration:
    """Calibrate a tag that has few positives, or that stands for all tags of its kind.

    Its photos are weighted, since their share of positives is not that of a user's photos; see `rare_weights`.

    Args:
        values: (n,) logits, or any other numbers that rank the photos.
        truth: (n,), which photos are positive.
        weights: (n,), how much each photo counts.
        prior, strength: the Gaussian prior of slope and bias; see `fit_platt`.
        precision: what each profile's threshold must reach; None chooses the threshold of the best F-beta, but at least
            `FLOOR`.

    Returns:
        The calibration of one tag.
    """
    slope, bias = fit_platt(values, truth, prior=prior, strength=strength, weights=weights)
    scores = sigmoid(slope * values + bias)
    if precision is None:
        thresholds = {p: max(best_threshold(scores, truth, beta, weights), FLOOR[p]) for p, beta in F_BETA.items()}
    else:
        thresholds = {p: lowest_threshold(scores, truth, least, weights) for p, least in precision.items()}
    return Calibration.of_one(slope, bias, thresholds)


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

"""Calibration and thresholds of a finished head on validation photos, and an honest estimate of their worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.card_tables import FEWEST_POSITIVES
from vectortag.evaluation.metrics import (
    calibration_error,
    calibration_error_per_tag,
    count,
    mean_over_tags,
    reliability,
)
from vectortag.model.calibration import (
    COMMONEST,
    F_BETA,
    FLOOR,
    Calibration,
    Profile,
    fit_calibration,
    fit_thresholds,
    lowest_threshold,
)
from vectortag.model.class_groups import Borrowed
from vectortag.model.hierarchy import Hierarchy

SILENT = -20.0
"""A bias whose score is 2e-9: below any child's."""

CAREFUL: dict[Profile, float] = {"precise": 0.95, "balanced": 0.95, "thorough": 0.0}
"""What share of the photos that a careful tag is shown for must have it. By F1 alone `lite2` had "man", "woman", "boy"
and "girl" right in 58 to 67 % of them."""

FIGURE_DIGITS = 4
"""Decimals of per-tag figures in a manifest."""


def calibrate(
    logits: FloatArray,
    targets: ByteArray,
    hierarchy: Hierarchy,
    *,
    borrowed: Borrowed | None = None,
    careful: Sequence[int] = (),
) -> Calibration:
    """Fit everything between logits and decisions: (N, T) float32, (N, T) uint8 with 255 = unknown.

    A tag whose absence no data set knows, such as "outdoors", has no score of its own: its calibrated score is near
    0, so that hierarchy raises it to the highest of its children's. For its threshold alone, unknown counts as absent,
    which makes the threshold cautious.

    Args:
        borrowed: the calibration of the tags from `borrowed.first` on, which no photo has taught.
        careful: the indexes of tags that should rather be missed than wrong.
    """
    silent = ~(targets == 0).any(axis=0)  # (T,)
    slope, bias = _fit_curves(logits, targets, silent, borrowed)
    scores = score(logits, Calibration(slope, bias, {}), hierarchy)
    judged = np.where(silent & (targets == UNKNOWN), 0, targets).astype(np.uint8)
    borrows = (targets == 1).sum(axis=0) < FEWEST_POSITIVES  # (T,)
    borrows[: borrowed.first if borrowed else None] = False
    thresholds = {}
    for profile, beta in F_BETA.items():
        chosen = fit_thresholds(scores, judged, beta=beta, floor=FLOOR[profile], commonest=COMMONEST[profile])
        if borrowed:
            chosen[borrows] = borrowed.calibration.thresholds[profile][0]
        for tag in careful:
            rows = judged[:, tag] != UNKNOWN
            safe = lowest_threshold(scores[rows, tag], judged[rows, tag] == 1, CAREFUL[profile])
            chosen[tag] = np.maximum(chosen[tag], np.float32(safe))  # NaN stays NaN
        thresholds[profile] = chosen
    return Calibration(slope, bias, thresholds)


def _fit_curves(
    logits: FloatArray, targets: ByteArray, silent: npt.NDArray[np.bool_], borrowed: Borrowed | None
) -> tuple[FloatArray, FloatArray]:
    """Slope and bias of each tag, (T,) float32: a curve of its own, a silent one, or near the borrowed one."""
    taught = slice(0, borrowed.first if borrowed else None)
    slope, bias = fit_calibration(logits[:, taught], judgeable(targets[:, taught]))
    slope[silent[taught]], bias[silent[taught]] = 0.0, SILENT
    if borrowed is None:
        return slope, bias
    others = slice(borrowed.first, None)
    common = np.append(borrowed.calibration.slope, borrowed.calibration.bias)
    more = fit_calibration(logits[:, others], judgeable(targets[:, others]), common=common)
    return np.append(slope, more[0]), np.append(bias, more[1])


def score(logits: FloatArray, calibration: Calibration, hierarchy: Hierarchy) -> FloatArray:
    """What a Tagger makes of these logits: calibrated, parents raised; (N, T) float32."""
    return hierarchy.raise_parents(calibration.scores(logits))


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """What each half of the validation photos is given by calibration and thresholds that the other half fitted.

    Judged on the photos that they were fitted on, these look better than they are; this says by how much.

    Attributes:
        raw, scores: (N, T) before and after calibration.
        decisions: (N, T) bool, what the profile "balanced" shows.
        targets: (N, T) uint8; 255 also where a photo's set never knows a tag's absence, so that it cannot be judged.
    """

    raw: FloatArray
    scores: FloatArray
    decisions: npt.NDArray[np.bool_]
    targets: ByteArray

    def summary(self) -> dict[str, float]:
        """F1, and the expected calibration error of all entries together and in the mean of the tags."""
        counts = count(self.decisions, self.targets)
        before, after = (calibration_error_per_tag(scores, self.targets) for scores in (self.raw, self.scores))
        return {
            "micro_f1": counts.micro_f1,
            "macro_f1": counts.macro_f1,
            "calibration_error": calibration_error(self.scores, self.targets),
            "calibration_error_before": calibration_error(self.raw, self.targets),
            "calibration_error_per_tag": mean_over_tags(after),
            "calibration_error_per_tag_before": mean_over_tags(before),
        }

    def reliability(self) -> dict[str, dict[str, list[float]]]:
        """The bins of the calibration error before and after; NaN if a bin is empty."""
        both = {"before": reliability(self.raw, self.targets), "after": reliability(self.scores, self.targets)}
        return {name: {key: rounded(values) for key, values in asdict(bins).items()} for name, bins in both.items()}

    def per_tag(self) -> dict[str, list[float]]:
        """By the name of a figure, its value for each tag; NaN if it has none."""
        counts = count(self.decisions, self.targets)
        return {
            "photos": counts.positives.astype(int).tolist(),
            "precision": rounded(np.where(counts.predicted > 0, counts.precision, np.nan)),
            "recall": rounded(np.where(counts.positives > 0, counts.recall, np.nan)),
            "calibration_error_before": rounded(calibration_error_per_tag(self.raw, self.targets)),
            "calibration_error": rounded(calibration_error_per_tag(self.scores, self.targets)),
        }


def cross_fit(
    logits: FloatArray,
    targets: ByteArray,
    hierarchy: Hierarchy,
    *,
    seed: int,
    borrowed: Borrowed | None = None,
    careful: Sequence[int] = (),
    sets: npt.NDArray[np.str_] | None = None,
) -> CrossFitted:
    """Fit each half of the photos, drawn by the seed, and judge the other by it.

    Args:
        sets: (N,) the data set of each photo, which judges by what it knows; None is one set for all.
    """
    halves = np.array_split(np.random.default_rng(seed).permutation(len(logits)), 2)
    scores, decisions = np.empty_like(logits), np.empty(logits.shape, bool)
    for judged, fitted in (halves, halves[::-1]):
        calibration = calibrate(logits[fitted], targets[fitted], hierarchy, borrowed=borrowed, careful=careful)
        scores[judged] = score(logits[judged], calibration, hierarchy)
        decisions[judged] = hierarchy.shown(scores[judged], calibration.thresholds["balanced"])
    return CrossFitted(sigmoid(logits).astype(np.float32), scores, decisions, judgeable(targets, sets))


def rounded(values: npt.NDArray[np.number]) -> list[float]:
    """Values rounded to `FIGURE_DIGITS`, as a manifest stores them."""
    return [round(value, FIGURE_DIGITS) for value in values.tolist()]

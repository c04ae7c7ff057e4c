"""Calibration and thresholds of a finished head on validation photos, and an honest estimate of their worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from vectortag.groups import Borrowed
from vectortag.hierarchy import Hierarchy
from vectortag.manifest import OperatingPoint
from vectortag.metrics import calibration_error, count, judgeable
from vectortag.thresholds import COMMONEST, F_BETA, FLOOR, calibrated, fit_calibration, fit_thresholds, sigmoid
from vectortag.types import UNKNOWN, ByteArray, FloatArray

SILENT = -20.0
"""A bias whose score is 2e-9: below any child's."""


FEWEST_POSITIVES = 5
"""A tag that no photo has taught gets thresholds of its own where the validation photos show it so often."""


def fit_operating_point(
    logits: FloatArray, targets: ByteArray, hierarchy: Hierarchy, size: int, *, borrowed: Borrowed | None = None
) -> OperatingPoint:
    """Fit everything between logits and decisions: (N, T) float32, (N, T) uint8 with 255 = unknown.

    Args:
        borrowed: what is known of the tags from `borrowed.first` on, which no photo has taught.

    A tag whose absence nobody knows, such as "outdoors", has no score of its own: its curve is silent, so that its
    score is the highest of its children's. Only for its threshold is it taken as absent where nobody named it, which
    makes the threshold cautious.
    """
    taught = slice(0, borrowed.first if borrowed else None)
    silent = ~(targets == 0).any(axis=0)  # (T,)
    slope, bias = fit_calibration(logits[:, taught], judgeable(targets[:, taught]))
    slope[silent[taught]], bias[silent[taught]] = 0.0, SILENT
    if borrowed:
        others = slice(borrowed.first, None)
        more = fit_calibration(logits[:, others], judgeable(targets[:, others]), common=borrowed.curve)
        slope, bias = np.append(slope, more[0]), np.append(bias, more[1])
    scores = score(logits, slope, bias, hierarchy)
    judged = np.where(silent & (targets == UNKNOWN), 0, targets).astype(np.uint8)
    unjudged = (targets == 1).sum(axis=0) < FEWEST_POSITIVES
    unjudged[taught] = False
    thresholds = {}
    for profile, beta in F_BETA.items():
        chosen = fit_thresholds(scores, judged, beta=beta, floor=FLOOR[profile], commonest=COMMONEST[profile])
        if borrowed:
            chosen[unjudged] = borrowed.thresholds[profile]
        thresholds[profile] = _nullable(chosen)
    return OperatingPoint(
        size=size,
        slope=tuple(slope.tolist()),
        bias=tuple(bias.tolist()),
        thresholds=thresholds,
    )


def score(logits: FloatArray, slope: FloatArray, bias: FloatArray, hierarchy: Hierarchy) -> FloatArray:
    """What a Tagger makes of these logits: calibrated, parents raised; (N, T) float32."""
    return hierarchy.raise_parents(calibrated(logits, slope, bias))


def cross_fitted(
    logits: FloatArray, targets: ByteArray, hierarchy: Hierarchy, *, seed: int, borrowed: Borrowed | None = None
) -> dict[str, Any]:
    """The balanced profile's F1 and the calibration error when each half is judged by what the other half fitted.

    Thresholds judged on the photos they were chosen on look better than they are; this says by how much.
    """
    halves = np.array_split(np.random.default_rng(seed).permutation(len(logits)), 2)
    scores, decisions = np.empty_like(logits), np.empty(logits.shape, bool)
    for judged, fitted in (halves, halves[::-1]):
        point = fit_operating_point(logits[fitted], targets[fitted], hierarchy, size=1, borrowed=borrowed)
        slope, bias = np.array(point.slope, np.float32), np.array(point.bias, np.float32)
        scores[judged] = score(logits[judged], slope, bias, hierarchy)
        decisions[judged] = scores[judged] >= point.threshold_array("balanced")
    targets = judgeable(targets)
    counts = count(decisions, targets)
    return {
        "micro_f1": counts.micro_f1,
        "macro_f1": counts.macro_f1,
        "calibration_error": calibration_error(scores, targets),
        "calibration_error_before": calibration_error(sigmoid(logits).astype(np.float32), targets),
    }


def _nullable(thresholds: FloatArray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in thresholds)

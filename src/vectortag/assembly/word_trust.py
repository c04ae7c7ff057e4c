"""How well a model scores words that it was not taught, measured on words held out from its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import TINY, roc_auc, sigmoid
from vectortag.core.types import FloatArray
from vectortag.model.calibration import Calibration, calibrate_rare, rare_weights
from vectortag.model.words.similarity import Evidence

GROUPS, FEWEST_WORDS = 4, 12
PREVALENCE = 0.02
"""The assumed share of photos that show a word; as for tags from examples."""
PHOTOS_PER_WORD = 1000
"""Each word counts as this many photos, however many it was tried on."""

COMMON_CURVE = np.array([1.0, -4.0])
CURVE_STRENGTH = 0.1
OUTLIERS = 0.02
"""This share of the words is farther than the beginning of the first group."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One held-out word: the cosine to the nearest known word, and on n photos its values (n,) and
    whether they show it."""

    nearness: float
    values: FloatArray
    shown: npt.NDArray[np.bool_]


def fit_evidence(trials: Sequence[Trial]) -> Evidence | None:
    """Calibrate the trials in groups from far to near; None with fewer than `FEWEST_WORDS` words."""
    if len(trials) < FEWEST_WORDS:
        return None
    ordered = sorted(trials, key=lambda trial: trial.nearness)
    parts = np.array_split(np.arange(len(ordered)), min(GROUPS, len(ordered) // FEWEST_WORDS))
    groups = [_group([ordered[index] for index in part]) for part in parts]
    begins = [ordered[part[0]].nearness for part in parts]
    begins[0] = float(np.quantile([trial.nearness for trial in ordered], OUTLIERS))
    return Evidence(
        from_nearness=np.array(begins, np.float32),
        calibration=Calibration.joined([group.calibration for group in groups]),
        separation=np.array([group.separation for group in groups], np.float32),
        precision=np.array([group.precision for group in groups], np.float32),
        words=np.array([len(part) for part in parts], np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    calibration: Calibration
    separation: float
    precision: float


def _group(trials: Sequence[Trial]) -> _Group:
    values = np.concatenate([trial.values for trial in trials])
    shown = np.concatenate([trial.shown for trial in trials])
    weights = np.concatenate([rare_weights(trial.shown, PREVALENCE, PHOTOS_PER_WORD) for trial in trials])
    calibration = calibrate_rare(values, shown, weights, prior=COMMON_CURVE, strength=CURVE_STRENGTH)
    scores = sigmoid(calibration.slope * values + calibration.bias)  # float64, as the thresholds are
    predicted = weights * (scores >= calibration.thresholds["balanced"])
    precision = float(predicted[shown].sum() / max(predicted.sum(), TINY))
    separation = float(np.median([roc_auc(trial.values[trial.shown], trial.values[~trial.shown]) for trial in trials]))
    return _Group(calibration, separation, precision)

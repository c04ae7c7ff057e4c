"""From tags that were tried on photos of other sources to curves that say how far a new tag can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.core.numerics import TINY, logit, sigmoid
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.calibration import Profile
from vectortag.model.trust import PREVALENCE, Promise, Trust, standardised

PRECISION: dict[Profile, float] = {"precise": 0.93, "balanced": 0.85, "thorough": 0.65}
"""Of the photos that are shown a tag, how many have it: the mean over the tags that were tried, by profile."""

FEWEST_TAGS = 12
CURVE_RIDGE, PROMISE_RIDGE = 0.02, 1.0
"""How strongly the weight of a sign is pulled to 0, as the precision of a Gaussian prior."""

BINS = 60
LEAST_SHOWN = 0.02
"""A tag that shows fewer of its photos than this is not asked for its precision."""

FOLDS = 6

LOGITS = np.linspace(-4, 5, 181)
"""The thresholds that are tried."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A tag that was fitted on one source, and its values on photos of others.

    Attributes:
        tag: its name.
        signs: (P,) of the fit.
        positives, negatives: its values on photos that have it, (p,), and that do not, (n,).
    """

    tag: str
    signs: FloatArray
    positives: FloatArray
    negatives: FloatArray


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a threshold makes of a trial; NaN where nothing is shown."""

    precision: float
    recall: float


def fit_trust(trials: Sequence[Trial]) -> Trust | None:
    """Fit the curves; each tag counts the same, however often it was tried. None with fewer than 12 tags."""
    names = [trial.tag for trial in trials]
    if len(set(names)) < FEWEST_TAGS:
        return None
    weights = np.array([1 / names.count(name) for name in names])
    signs = np.stack([trial.signs for trial in trials]).astype(np.float32)
    middle, spread = signs.mean(axis=0), signs.std(axis=0) + np.float32(1e-3)
    curves = _curves(trials, standardised(signs, middle, spread), weights)
    trust = Trust(middle, spread, curves, np.zeros_like(curves), dict.fromkeys(PRECISION, 0.5), len(set(names)))
    outcomes = _outcomes(trust, trials)  # (2, M, thresholds)
    cuts = {profile: _cut(outcomes, weights, least) for profile, least in PRECISION.items()}
    precision, recall = outcomes[:, :, cuts["balanced"]]
    design = standardised(signs, middle, spread)
    promises = [logistic(design, np.nan_to_num(one), 4 * weights, PROMISE_RIDGE) for one in (precision, recall)]
    thresholds = {profile: float(sigmoid(LOGITS[cut])) for profile, cut in cuts.items()}
    return Trust(middle, spread, curves, np.stack(promises).astype(np.float32), thresholds, len(set(names)))


@dataclass(frozen=True, slots=True)
class Kept:
    """What was promised of a tag by curves that had not seen it, and what came of it."""

    tag: str
    promised: Promise
    came: Outcome


def cross_fit(trials: Sequence[Trial]) -> list[Kept]:
    """Each trial by curves of the other tags, in six folds; empty with too few tags."""
    names = sorted({trial.tag for trial in trials})
    fold = dict(zip(names, (np.random.default_rng(0).permutation(len(names)) % FOLDS).tolist(), strict=True))
    found = []
    for one in range(FOLDS):
        trust = fit_trust([trial for trial in trials if fold[trial.tag] != one])
        if trust is None:
            return []
        for trial in (trial for trial in trials if fold[trial.tag] == one):
            slope, bias, thresholds = trust.calibration(trial.signs).one(0)
            value = (float(logit(thresholds["balanced"])) - bias) / slope
            found.append(Kept(trial.tag, trust.promise(trial.signs), outcome(trial, value)))
    return found


def outcome(trial: Trial, threshold: float) -> Outcome:
    """Precision and recall of a trial at a threshold of its values, if `PREVALENCE` of all photos have the tag."""
    right = PREVALENCE * float((trial.positives >= threshold).mean())
    wrong = (1 - PREVALENCE) * float((trial.negatives >= threshold).mean())
    return Outcome(right / (right + wrong) if right + wrong else np.nan, right / PREVALENCE)


def _curves(trials: Sequence[Trial], design: Doubles, weights: Doubles) -> FloatArray:
    """Slope and bias as weights of the signs: one logistic regression on the values of all trials, in bins."""
    rows, truth, counts = [], [], []
    for trial, signs, weight in zip(trials, design, weights, strict=True):
        both = np.concatenate([trial.positives, trial.negatives])
        edges = np.linspace(both.min() - TINY, both.max() + TINY, BINS + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        for values, share, has in ((trial.positives, PREVALENCE, 1.0), (trial.negatives, 1 - PREVALENCE, 0.0)):
            count = np.histogram(values, edges)[0] / len(values)
            used = count > 0
            rows.append(np.concatenate([middles[used, None] * signs, np.tile(signs, (int(used.sum()), 1))], axis=1))
            truth.append(np.full(int(used.sum()), has))
            counts.append(share * weight * count[used])
    fitted = logistic(np.concatenate(rows), np.concatenate(truth), np.concatenate(counts), CURVE_RIDGE)
    return fitted.reshape(2, -1).astype(np.float32)


def _outcomes(trust: Trust, trials: Sequence[Trial]) -> Doubles:
    """Precision and recall of each trial at each of `LOGITS`, (2, M, thresholds)."""
    found = []
    for trial in trials:
        slope, bias, _ = trust.calibration(trial.signs).one(0)
        right, wrong = (
            1 - np.searchsorted(np.sort(slope * values + bias), LOGITS) / len(values)
            for values in (trial.positives, trial.negatives)
        )
        shown = PREVALENCE * right + (1 - PREVALENCE) * wrong
        precision = np.where(right >= LEAST_SHOWN, PREVALENCE * right / np.maximum(shown, TINY), np.nan)
        found.append(np.stack([precision, right]))
    return np.stack(found, axis=1)


def _cut(outcomes: Doubles, weights: Doubles, least: float) -> int:
    """Which of `LOGITS` is the first from which on the tags reach a precision, in the mean."""
    precision = outcomes[0]
    counted = np.where(np.isnan(precision), 0, weights[:, None])
    means = (counted * np.nan_to_num(precision)).sum(axis=0) / np.maximum(counted.sum(axis=0), TINY)
    reached = np.flatnonzero(means >= least)
    return int(reached[0]) if len(reached) else int(np.argmax(means))


def logistic(design: Doubles, truth: Doubles, weights: Doubles, ridge: float) -> Doubles:
    """Logistic regression by Newton's method: (n, P), shares (n,) in [0, 1], weights (n,) -> (P,)."""
    at = np.zeros(design.shape[1])

    def cost(place: Doubles) -> float:
        logits = design @ place
        return float(weights @ (np.logaddexp(0, logits) - truth * logits)) + ridge / 2 * float(place @ place)

    for _ in range(60):
        scores = sigmoid(design @ at)
        gradient = design.T @ (weights * (scores - truth)) + ridge * at
        hessian = (design * (weights * scores * (1 - scores))[:, None]).T @ design + ridge * np.eye(len(at))
        step = np.linalg.solve(hessian, gradient)
        while cost(at - step) > cost(at) and np.abs(step).max() >= 1e-8:  # a long step may overshoot
            step /= 2
        at -= step
        if np.abs(step).max() < 1e-8:
            break
    return at

"""A new tag from a few examples: one row fitted in closed form on stored features, in milliseconds.

The classifier is linear discriminant analysis (Fisher 1936) on two directions, that of the head's hidden values and
that of the scores of the tags it has: its weights are `S^-1 (m1 - m0)`, where m1 is the mean of the examples, m0 and S
are mean and covariance of a background (photos of everything), and S is shrunk half way towards a multiple of the
identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vectortag.core.errors import NewTagError
from vectortag.core.numerics import TINY, roc_auc, sigmoid
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.calibration import Calibration, Profile, calibrate_rare, lowest_threshold, rare_weights
from vectortag.model.trust import PREVALENCE, Promise, Trust

MIN_EXAMPLES = 3

FEW_EXAMPLES = 10
"""With fewer examples, a hint asks for more."""

WEAK = 0.9
"""Below this separation the examples have too little in common, or look like everything else."""
SHRINKAGE = 0.5

LOW, TAIL = 0.2, (0.95, 0.99, 0.997)
"""Quantiles of the examples' and of the background's values that are signs of how far a fit carries."""
SIGNS = 3 + len(TAIL)

OWN_PRECISION: dict[Profile, float] = {"precise": 0.9, "balanced": 0.8, "thorough": 0.6}
"""Of the user's own examples and counterexamples above a threshold, how many are examples."""

COMMON_CURVE = np.array([1.0, 0.0])
CURVE_STRENGTH = 0.1
FOLDS = 5

EXAMPLES_WEIGHT, HALF_WEIGHT_COUNT = 0.5, 2
"""Weight of n examples beside a tag's words, which have weight 1: 0.5 * n / (n + 2). Both are scaled to deviation 1 on
background photos. Chosen from 0.25 to 5 for 3 to 50 photos; see docs/words.md."""

Values = tuple[FloatArray, FloatArray, FloatArray]
"""What a tag's words say of its examples (P,), of its counterexamples (N,) and of the background (B,)."""


@dataclass(frozen=True, slots=True)
class FittedTag:
    """One tag as a row on unit features, whose logit is `w @ feature`.

    Attributes:
        w: (F,) float32.
        calibration: of this one tag, float64.
        separation: how often an example that was left out of the fit scores higher than a photo of the background
            (the area under the ROC curve), 0.5 to 1.
        promise: what is expected of it on photos of another source; None where that was not measured.
        examples: how many it was fitted on, a series being one; None where there were none.
    """

    w: FloatArray
    calibration: Calibration
    separation: float
    promise: Promise | None = None
    examples: int | None = None


class Checked(Protocol):
    """What is known of a tag from examples."""

    @property
    def separation(self) -> float: ...

    @property
    def promise(self) -> Promise | None: ...


def is_weak(tag: Checked) -> bool:
    """Whether the examples of a tag have too little in common, or look like everything else."""
    promise = tag.promise
    return tag.separation < WEAK if promise is None else not promise.is_useful


@dataclass(frozen=True, eq=False)
class Backdrop:
    """A background, ready to fit tags against it.

    Attributes:
        features: (B, F) float32 of its photos, less their middle.
        middle: (F,).
        spreads: for each group of features, the covariance, shrunk towards an even one.
    """

    features: FloatArray
    middle: Doubles
    spreads: tuple[FloatArray, ...]

    @classmethod
    def of(cls, background: FloatArray, parts: Sequence[int] | None = None) -> Backdrop:
        """The backdrop of features (B, F); `parts` as in `fit_tag`."""
        middle = background.mean(axis=0, dtype=np.float64)
        features = (background - middle).astype(np.float32)
        spreads, first = [], 0
        for width in parts or (len(middle),):
            part = features[:, first : first + width]
            own = part.T @ part / np.float32(len(part) - 1)
            even = np.float32(SHRINKAGE * np.trace(own) / width)
            spreads.append((1 - np.float32(SHRINKAGE)) * own + even * np.eye(width, dtype=np.float32))
            first += width
        return cls(features, middle, tuple(spreads))

    def solve(self, differences: Doubles) -> Doubles:
        """Fisher's directions of differences, both (F, n)."""
        ends = np.cumsum([len(spread) for spread in self.spreads])[:-1]
        parts = zip(self._inverses or self.spreads, np.split(differences, ends), strict=True)
        if self._inverses:
            return np.concatenate([inverse @ part for inverse, part in parts]).astype(np.float64)
        solved = [np.linalg.solve(spread, part.astype(np.float32)) for spread, part in parts]
        return np.concatenate(solved).astype(np.float64)

    def for_many(self) -> Backdrop:
        """The same, with each spread inverted: dear once, and cheap for every tag that is fitted."""
        return Backdrop(self.features, self.middle, self.spreads, tuple(map(np.linalg.inv, self.spreads)))

    _inverses: tuple[FloatArray, ...] = ()


def fit_tag(
    examples: FloatArray,
    counterexamples: FloatArray,
    background: FloatArray | Backdrop,
    *,
    parts: Sequence[int] | None = None,
    by_words: Values | None = None,
    trust: Trust | None = None,
) -> FittedTag:
    """Fit one tag.

    Args:
        examples: (P, V, F) features of P photos that have the tag, V views each.
        counterexamples: (N, V, F) of photos that do not have it, N may be 0; they say what it must be told from.
        background: (B, F) of photos of everything; the few among them that may have the tag do little harm.
        parts: the widths of groups of features that are taken to vary without regard to each other; None is one group.
        by_words: what is known of the tag before any example is seen: what its words say of the plain
            views. The row is to be added to that.
        trust: how far such a fit carries to photos of another source, measured against this background. None: the
            calibration is that of the examples themselves.

    Raises:
        NewTagError: fewer than 3 examples.
    """
    backdrop = background if isinstance(background, Backdrop) else Backdrop.of(background, parts)
    row = fit_row(examples, counterexamples, backdrop, by_words=by_words)
    promise = None
    if trust is None:
        calibration = _calibrated(row.examples, np.concatenate([row.background, row.counterexamples]))
    else:
        calibration, promise = _trusted(trust, row)
    of_middle = calibration.slope * (row.w @ backdrop.middle)  # the row will meet features as they are
    calibration = replace(calibration, bias=calibration.bias - of_middle)
    separation = roc_auc(row.examples, np.concatenate([row.background, row.counterexamples]))
    return FittedTag(row.w.astype(np.float32), calibration, separation, promise, len(examples))


@dataclass(frozen=True, slots=True)
class FittedRow:
    """A row on features less the backdrop's middle, and what it says, with the tag's words where it has some.

    Attributes:
        w: (F,).
        examples, counterexamples: (P,) and (N,) values, each by a row that was fitted without the photo.
        background: (B,) values.
    """

    w: Doubles
    examples: Doubles
    counterexamples: Doubles
    background: Doubles

    @property
    def middle(self) -> float:
        """The mean of the background's values."""
        return float(self.background.mean())

    @property
    def scale(self) -> float:
        """The deviation of the background's values."""
        return max(float(self.background.std()), TINY)

    @property
    def signs(self) -> FloatArray:
        """What is seen of the fit before it meets other photos, (SIGNS,), in deviations of the background."""
        examples, background = ((values - self.middle) / self.scale for values in (self.examples, self.background))
        own = (np.log(len(examples)), examples.mean(), np.quantile(examples, LOW))
        return np.array([*own, *np.quantile(background, TAIL)], np.float32)


def fit_row(
    examples: FloatArray, counterexamples: FloatArray, backdrop: Backdrop, *, by_words: Values | None = None
) -> FittedRow:
    """The direction of a tag; arguments and error are those of `fit_tag`."""
    if len(examples) < MIN_EXAMPLES:
        raise NewTagError(f"a tag needs at least {MIN_EXAMPLES} different example photos, got {len(examples)}")
    shown, unlike = (features - backdrop.middle for features in (examples, counterexamples))
    weight = 1.0 if by_words is None else EXAMPLES_WEIGHT * len(shown) / (len(shown) + HALF_WEIGHT_COUNT)
    w, left_out, left_out_unlike = _directions(shown, unlike, backdrop)
    of_everything = (backdrop.features @ w.astype(np.float32)).astype(np.float64)
    values = [weight * one for one in (left_out, left_out_unlike, of_everything)]
    if by_words is not None:
        values = [photos + words for photos, words in zip(values, by_words, strict=True)]
    return FittedRow(weight * w, *values)


def _calibrated(positives: Doubles, negatives: Doubles) -> Calibration:
    values = np.concatenate([positives, negatives])
    truth = np.arange(len(values)) < len(positives)
    weights = rare_weights(truth, PREVALENCE, len(negatives))
    return calibrate_rare(values, truth, weights, prior=COMMON_CURVE, strength=CURVE_STRENGTH)


def _trusted(trust: Trust, row: FittedRow) -> tuple[Calibration, Promise]:
    """The calibration of tags with signs like these. A threshold keeps its promise on the user's own photos, too."""
    slope, bias, thresholds = trust.calibration(row.signs).one(0)
    slope, bias = slope / row.scale, bias - slope * row.middle / row.scale
    if len(row.counterexamples):
        scores = sigmoid(slope * np.concatenate([row.examples, row.counterexamples]) + bias)
        truth = np.arange(len(scores)) < len(row.examples)
        above_all = float(np.nextafter(scores[~truth].max(), 1))  # where no threshold tells enough of them apart
        for profile, least in OWN_PRECISION.items():
            own = lowest_threshold(scores, truth, least)
            reached = truth[scores >= own]
            is_kept = len(reached) and reached.mean() >= least
            thresholds[profile] = max(thresholds[profile], own if is_kept else above_all)
    return Calibration.of_one(slope, bias, thresholds), trust.promise(row.signs)


# Below, all features are those less the middle of the background.


def _directions(examples: Doubles, counterexamples: Doubles, backdrop: Backdrop) -> tuple[Doubles, Doubles, Doubles]:
    """The direction (F,), scaled so that the background's values have deviation 1; and the values of the examples and
    of the counterexamples, each by a direction without it; of each photo the plain view, as it will be tagged."""
    parts = np.array_split(np.arange(len(examples)), min(FOLDS, len(examples)))
    unlike_parts = np.array_split(np.arange(len(counterexamples)), len(parts))
    means = [_difference(examples, counterexamples)]
    for part, unlike in zip(parts, unlike_parts, strict=True):
        means.append(_difference(np.delete(examples, part, axis=0), np.delete(counterexamples, unlike, axis=0)))
    directions = backdrop.solve(np.stack(means, axis=1))  # (F, 1 + folds)
    directions /= np.maximum((backdrop.features @ directions.astype(np.float32)).std(axis=0), TINY)
    left_out, left_out_unlike = (
        np.concatenate([photos[part, 0] @ directions[:, fold] for fold, part in enumerate(split, start=1)])
        for photos, split in ((examples, parts), (counterexamples, unlike_parts))
    )
    return directions[:, 0], left_out, left_out_unlike


def _difference(examples: Doubles, counterexamples: Doubles) -> Doubles:
    """From what the tag is told from to its examples, (F,)."""
    others: Doubles | float = 0.0
    if len(counterexamples):  # as many of them as of examples: half way from the background to them
        others = len(counterexamples) / (len(counterexamples) + len(examples)) * counterexamples.mean(axis=(0, 1))
    difference: Doubles = examples.mean(axis=(0, 1)) - others
    return difference

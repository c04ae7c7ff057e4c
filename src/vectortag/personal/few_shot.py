"""A new tag from a few examples: one row fitted in closed form on stored features, in milliseconds.

The classifier is linear discriminant analysis (Fisher 1936) on two directions, that of the head's hidden values and
that of the scores of the tags it has: its weights are `S^-1 (m1 - m0)`, where m1 is the mean of the examples, m0 and S
are mean and covariance of a background (photos of everything), and S is shrunk half way towards a multiple of the
identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vectortag.core.errors import NewTagError
from vectortag.core.numerics import TINY, roc_auc
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.calibration import Calibration, calibrate_rare, rare_weights

MIN_EXAMPLES = 3

FEW_EXAMPLES = 10
"""With fewer examples, a hint asks for more."""

WEAK = 0.9
"""Below this separation the examples have too little in common, or look like everything else."""
SHRINKAGE = 0.5
PREVALENCE = 0.02
"""The assumed share of photos that have a new tag: about the median of the shipped models' tags."""

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
    """

    w: FloatArray
    calibration: Calibration
    separation: float


def fit_tag(
    examples: FloatArray,
    counterexamples: FloatArray,
    background: FloatArray,
    *,
    parts: Sequence[int] | None = None,
    by_words: Values | None = None,
) -> FittedTag:
    """Fit one tag.

    Args:
        examples: (P, V, F) features of P photos that have the tag, V views each.
        counterexamples: (N, V, F) of photos that do not have it, N may be 0; they say what it must be told from.
        background: (B, F) of photos of everything; the few among them that may have the tag do little harm.
        parts: the widths of groups of features that are taken to vary without regard to each other; None is one group.
        by_words: what is known of the tag before any example is seen: what its words say of the plain
            views. The row is to be added to that.

    Raises:
        NewTagError: fewer than 3 examples.
    """
    if len(examples) < MIN_EXAMPLES:
        raise NewTagError(f"a tag needs at least {MIN_EXAMPLES} different example photos, got {len(examples)}")
    middle = background.mean(axis=0, dtype=np.float64)
    shown, unlike, everything = (features - middle for features in (examples, counterexamples, background))
    spread = _spread(everything, parts or (len(middle),))
    weight = 1.0 if by_words is None else EXAMPLES_WEIGHT * len(shown) / (len(shown) + HALF_WEIGHT_COUNT)
    w = weight * _direction(shown, unlike, everything, spread)
    positives = weight * np.concatenate(_cross_validated(shown, unlike, everything, spread))
    negatives = np.concatenate([everything @ w, unlike.mean(axis=1) @ w])
    if by_words is not None:
        positives = positives + by_words[0]
        negatives = negatives + np.concatenate([by_words[2], by_words[1]])
    values = np.concatenate([positives, negatives])
    truth = np.arange(len(values)) < len(positives)
    weights = rare_weights(truth, PREVALENCE, len(negatives))
    of_values = calibrate_rare(values, truth, weights, prior=COMMON_CURVE, strength=CURVE_STRENGTH)
    calibration = replace(of_values, bias=of_values.bias - of_values.slope * (w @ middle))  # of features as they are
    return FittedTag(w.astype(np.float32), calibration, roc_auc(positives, negatives))


# Below, all features are those less the middle of the background.


def _direction(examples: Doubles, counterexamples: Doubles, background: Doubles, spread: Doubles) -> Doubles:
    """(F,), scaled so that the background's values have deviation 1."""
    others: Doubles | float = 0.0
    if len(counterexamples):  # as many of them as of examples: half way from the background to them
        others = len(counterexamples) / (len(counterexamples) + len(examples)) * counterexamples.mean(axis=(0, 1))
    w = np.linalg.solve(spread, examples.mean(axis=(0, 1)) - others)
    return w / max(float((background @ w).std()), TINY)


def _spread(background: Doubles, parts: Sequence[int]) -> Doubles:
    """(F, F): the background's covariance, shrunk towards an even one, each part by itself."""
    spread = np.zeros((background.shape[1], background.shape[1]))
    first = 0
    for width in parts:
        part = slice(first, first + width)
        own = np.cov(background[:, part].T)
        spread[part, part] = (1 - SHRINKAGE) * own + SHRINKAGE * np.trace(own) / width * np.eye(width)
        first += width
    return spread


def _cross_validated(
    examples: Doubles, counterexamples: Doubles, background: Doubles, spread: Doubles
) -> list[Doubles]:
    """The scores of the examples, each by a fit without it; of each photo the plain view, as it will be tagged."""
    parts = np.array_split(np.arange(len(examples)), min(FOLDS, len(examples)))
    scores = []
    for part in parts:
        w = _direction(np.delete(examples, part, axis=0), counterexamples, background, spread)
        scores.append(examples[part, 0] @ w)
    return scores

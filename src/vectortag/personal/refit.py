"""Refit one tag on corrections: change its row of the head as little as makes the corrected photos right.

All other scores should stay as they were, but there are no labels to hold them. So random photos, the background, get
their present scores as targets ("learning without forgetting", Li and Hoiem 2016, arXiv:1606.09282), and every change
costs as much as it moves the scores of such photos on average.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import sigmoid
from vectortag.core.types import Doubles, FloatArray

RESISTANCE = 30.0
"""How strongly the old row is held. From 3 to 100, fewer corrected photos come out right (99 to 46 %) and other photos
are ranked better; see benchmarks/corrections.py."""

EVENNESS = 0.1
"""How much a change costs in a direction in which the background does not vary, as a share of the mean direction."""


def refit(
    background: FloatArray,
    corrected: FloatArray,
    has: npt.NDArray[np.bool_],
    *,
    logits: tuple[FloatArray, FloatArray],
    resistance: float = RESISTANCE,
) -> tuple[Doubles, float]:
    """The change of one tag's calibrated logit, as a row and a bias on features.

    Args:
        background: (B, F) features of photos of everything.
        corrected: (C, F) features of corrected photos.
        has: (C,) whether each has the tag.
        logits: (B,) and (C,), the calibrated logits that both have now.
        resistance: how strongly the old row is held.

    Returns:
        (F,) and a number: add `features @ row + bias` to the calibrated logit.
    """
    features = np.concatenate([background, corrected]).astype(np.float64)
    design = np.concatenate([features, np.ones((len(features), 1))], axis=1)  # (B + C, F + 1)
    before = np.concatenate(logits).astype(np.float64)
    targets = np.concatenate([sigmoid(logits[0].astype(np.float64)), has])
    cost = resistance * _cost_of_change(background)
    change = np.zeros(design.shape[1])
    loss = _loss(before, targets, change, cost)
    for _ in range(30):  # Newton's method, with shorter steps where a whole one would not go down
        scores = sigmoid(before + design @ change)
        gradient = design.T @ (scores - targets) + cost @ change
        hessian = (design * (scores * (1 - scores))[:, None]).T @ design + cost
        step = np.linalg.solve(hessian, gradient)
        after = loss
        for share in 0.5 ** np.arange(12):
            after = _loss(before + design @ (change - share * step), targets, change - share * step, cost)
            if after < loss:
                change = change - share * step
                break
        if loss - after < 1e-7 * abs(loss):
            break
        loss = after
    return change[:-1], float(change[-1])


def _cost_of_change(background: FloatArray) -> Doubles:
    """(F + 1, F + 1): the variance of the background's scores under a change, and 1 for the bias."""
    spread = np.cov(background.T.astype(np.float64))
    cost = np.eye(len(spread) + 1)
    cost[:-1, :-1] = spread + EVENNESS * np.trace(spread) / len(spread) * np.eye(len(spread))
    return cost


def _loss(logits: Doubles, targets: Doubles, change: Doubles, cost: Doubles) -> float:
    return float((np.logaddexp(0, logits) - targets * logits).sum() + 0.5 * change @ cost @ change)

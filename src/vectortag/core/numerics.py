"""Numerical building blocks that several packages share, each defined once and in numpy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ShapeError
from vectortag.core.types import ByteArray, Doubles, FloatArray

Floats = npt.NDArray[np.floating]

TINY = 1e-12
"""No length is divided by less than this."""


def check_shapes(scores: npt.NDArray[np.generic], targets: ByteArray) -> None:
    """Raise ShapeError unless both are (N, T)."""
    if scores.ndim != 2 or scores.shape != targets.shape:
        raise ShapeError(f"expected scores and targets of one shape (N, T), got {scores.shape} and {targets.shape}")


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow at either end."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


def logit(scores: npt.ArrayLike) -> Doubles:
    """The inverse of `sigmoid`, ln(p / (1 - p)); scores are clipped to [1e-6, 1 - 1e-6] first.

    >>> round(float(logit(0.9)), 4)
    2.1972
    """
    clipped = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def softmax(logits: Floats, axis: int) -> Floats:
    """exp(x) / sum of exp(x) along an axis, without overflow."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def unit(vectors: Floats) -> FloatArray:
    """Vectors (..., D) scaled to length 1 along the last axis; float32. A zero vector stays zero.

    >>> unit(np.float32([[3, 4], [0, 0]]))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, TINY)).astype(np.float32, copy=False)


def unit_gradient(gradients: Floats, vectors: Floats, *, scale: float = 1.0) -> Floats:
    """Propagate gradients back through `unit`: (g - (g . u) u) / |v| with u = v / |v|.

    Args:
        gradients: (..., D), with respect to the unit vectors.
        vectors: (D,), one for all gradients, or (..., D), one for each.
        scale: multiplies the result.

    Returns:
        (..., D), the gradients with respect to `vectors`.
    """
    if vectors.ndim == 1:
        length = max(float(np.linalg.norm(vectors)), TINY)
        direction = vectors / length
        return scale * (gradients - (gradients @ direction)[..., None] * direction) / length
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), TINY)
    units = vectors / lengths
    return scale * (gradients - (gradients * units).sum(axis=-1, keepdims=True) * units) / lengths


def fit_platt(
    values: Floats,
    targets: npt.NDArray[np.uint8 | np.bool_],
    *,
    prior: Doubles,
    strength: float,
    weights: Doubles | None = None,
) -> Doubles:
    """Platt scaling (Platt 1999): logistic regression on one number, by Newton's method.

    Args:
        values: (n,) logits or other numbers; the higher, the more likely a positive.
        targets: (n,) 1 or True for positives.
        prior: (2,) the mean of a Gaussian prior on slope and bias.
        strength: the precision of that prior.
        weights: (n,) how much each row counts; None is 1 each.

    Returns:
        (2,) slope and bias of score = sigmoid(slope * value + bias); the slope is at least 0.001.
    """
    weight = np.ones(len(values)) if weights is None else weights
    design = np.stack([values, np.ones_like(values)], axis=1).astype(np.float64)  # (n, 2)
    curve = prior.astype(np.float64).copy()
    truth = targets.astype(np.float64)

    def cost(at: Doubles) -> float:
        logits = design @ at
        likelihood = float(weight @ (np.logaddexp(0, logits) - truth * logits))
        return likelihood + strength / 2 * float(((at - prior) ** 2).sum())

    for _ in range(50):
        scores = sigmoid(design @ curve)
        gradient = design.T @ (weight * (scores - truth)) + strength * (curve - prior)
        hessian = (design * (weight * scores * (1 - scores))[:, None]).T @ design + strength * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while cost(curve - step) > cost(curve) and np.abs(step).max() >= 1e-8:  # a long step may overshoot
            step /= 2
        curve -= step
        if np.abs(step).max() < 1e-8:
            break
    curve[0] = max(curve[0], 1e-3)  # a negative slope would reverse the ranking
    return curve


def roc_auc(positives: Floats, negatives: Floats) -> float:
    """The area under the ROC curve: the share of pairs (P,) x (N,) in which the positive is higher. Ties are misses.

    >>> roc_auc(np.array([0.9, 0.4]), np.array([0.1, 0.5]))
    0.75
    """
    higher_than = np.searchsorted(np.sort(negatives), positives, side="left")  # (P,) how many negatives each beats
    return float(higher_than.sum() / max(len(positives) * len(negatives), 1))


class AdamW:
    """AdamW for one array, which each step changes in place (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Args:
        param: the array to optimise, of any shape.
        weight_decay: each step subtracts this share of `param`, times the learning rate.
    """

    BETA1, BETA2, EPS = 0.9, 0.999, 1e-8

    def __init__(self, param: FloatArray, *, weight_decay: float = 0.0) -> None:
        self.param, self.weight_decay = param, weight_decay
        self.exp_avg = np.zeros_like(param)  # running mean of the gradients
        self.exp_avg_sq = np.zeros_like(param)  # running mean of their squares
        self.steps = 0

    def step(self, grad: Floats, lr: float) -> None:
        """Take one step.

        Args:
            grad: the gradient of the loss, of the shape of `param`.
            lr: the learning rate of this step.
        """
        self.steps += 1
        self.param -= np.float32(lr * self.weight_decay) * self.param
        self.exp_avg += (1 - self.BETA1) * (grad - self.exp_avg)
        self.exp_avg_sq += (1 - self.BETA2) * (grad**2 - self.exp_avg_sq)
        denominator = np.sqrt(self.exp_avg_sq / (1 - self.BETA2**self.steps)) + self.EPS
        self.param -= np.float32(lr / (1 - self.BETA1**self.steps)) * self.exp_avg / denominator

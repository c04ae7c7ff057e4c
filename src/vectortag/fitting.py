"""The original head, Linear -> ReLU -> Dropout -> Linear, fitted on embeddings in numpy alone."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from vectortag.errors import ShapeError
from vectortag.head import MlpBlock
from vectortag.thresholds import sigmoid
from vectortag.types import UNKNOWN, ByteArray, FloatArray

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def fit_mlp(
    embeddings: FloatArray,
    targets: ByteArray,
    *,
    hidden: int = 256,
    dropout: float = 0.4,
    epochs: int = 25,
    batch_size: int = 64,
    learning_rate: float = 5e-4,
    weight_decay: float = 1e-5,
    seed: int = 1,
) -> MlpBlock:
    """Minimise the binary cross-entropy of what is known, by Adam (Kingma and Ba 2014) under a cosine schedule.

    Args:
        embeddings: (N, K) float32.
        targets: (N, T) uint8, multi-hot; 255 is unknown and counts nothing.

    Raises:
        ShapeError: the two have different numbers of rows.
    """
    if len(embeddings) != len(targets):
        raise ShapeError(f"expected one row of targets a photo, got {len(targets)} for {len(embeddings)}")
    random = np.random.default_rng(seed)
    parameters = _start(random, embeddings.shape[1], hidden, targets.shape[1])
    optimiser = _Adam(parameters, weight_decay)
    steps = epochs * math.ceil(len(embeddings) / batch_size)
    for _ in range(epochs):
        order = random.permutation(len(embeddings))
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            kept = (random.random((len(rows), hidden)) >= dropout).astype(np.float32) / np.float32(1 - dropout)
            gradients = _gradients(parameters, embeddings[rows], targets[rows], kept)
            optimiser.step(gradients, learning_rate * 0.5 * (1 + math.cos(math.pi * optimiser.steps / steps)))
    return MlpBlock(*parameters)


def _start(random: np.random.Generator, width: int, hidden: int, tags: int) -> list[FloatArray]:
    """Uniform in +-1/sqrt(inputs), as torch's Linear."""
    shapes = [((hidden, width), width), ((hidden,), width), ((tags, hidden), hidden), ((tags,), hidden)]
    return [random.uniform(-(n**-0.5), n**-0.5, shape).astype(np.float32) for shape, n in shapes]


def _gradients(
    parameters: list[FloatArray], embeddings: FloatArray, targets: ByteArray, kept: npt.NDArray[np.float32]
) -> list[FloatArray]:
    """Of the mean loss over the known targets of a batch; `kept` (B, H) is 0 where dropout struck."""
    w1, b1, w2, b2 = parameters
    before = embeddings @ w1.T + b1  # (B, H)
    gate = kept * (before > 0)
    hidden = before * gate
    known = targets != UNKNOWN
    errors = (sigmoid(hidden @ w2.T + b2) - (targets == 1)) * known / max(int(known.sum()), 1)  # (B, T)
    errors = errors.astype(np.float32)
    back = (errors @ w2) * gate  # (B, H)
    return [back.T @ embeddings, back.sum(axis=0), errors.T @ hidden, errors.sum(axis=0)]


class _Adam:
    """Changes the parameters in place."""

    def __init__(self, parameters: list[FloatArray], weight_decay: float) -> None:
        self.steps = 0
        self._parameters, self._weight_decay = parameters, weight_decay
        self._means = [np.zeros_like(p) for p in parameters]
        self._squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients: list[FloatArray], rate: float) -> None:
        self.steps += 1
        for parameter, raw, mean, square in zip(self._parameters, gradients, self._means, self._squares, strict=True):
            gradient = raw + self._weight_decay * parameter
            mean += (1 - BETA1) * (gradient - mean)
            square += (1 - BETA2) * (gradient**2 - square)
            size = np.sqrt(square / (1 - BETA2**self.steps)) + EPSILON
            parameter -= np.float32(rate / (1 - BETA1**self.steps)) * mean / size

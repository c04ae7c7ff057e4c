"""The original head, Linear -> ReLU -> Dropout -> Linear, fitted on embeddings in numpy alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vectortag.core.errors import ShapeError
from vectortag.core.numerics import AdamW, sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.model.blocks import MlpBlock

SMALLEST_SPREAD = 1e-3
"""Added to every standard deviation, so that a constant value of the embedding is not divided by 0."""


def class_weights(targets: ByteArray, max_weight: float) -> FloatArray:
    """How much a positive of each tag weighs: N_neg / N_pos of the known entries, clamped to [1, max_weight].

    Args:
        targets: (N, T) uint8, 255 = unknown.

    Returns:
        (T,) float32. A tag without positives is weighted as if it had one; one without negatives has 1.
    """
    positives = (targets == 1).sum(axis=0)
    negatives = (targets == 0).sum(axis=0)
    return np.clip(negatives / np.maximum(positives, 1), 1, max_weight).astype(np.float32)


def log_odds(targets: ByteArray) -> FloatArray:
    """How common each tag is, as a logit: ln((N_pos + 1/2) / (N_neg + 1/2)) of the known entries.

    Args:
        targets: (N, T) uint8, 255 = unknown.

    Returns:
        (T,) float32.
    """
    return np.log(((targets == 1).sum(axis=0) + 0.5) / ((targets == 0).sum(axis=0) + 0.5)).astype(np.float32)


def masked_bce(logits: FloatArray, targets: ByteArray, weights: FloatArray | None = None) -> float:
    """The mean binary cross-entropy over what is known; NaN if nothing is.

    Args:
        logits: (N, T) float32.
        targets: (N, T) uint8; 255 is unknown and counts nothing.
        weights: (T,), multiplies the loss of each tag's positives; None is 1 each.
    """
    known, truth = targets != UNKNOWN, targets == 1
    weight = np.where(truth, 1.0 if weights is None else weights, 1.0)
    losses = weight * np.logaddexp(0, np.where(truth, -logits, logits))
    return float(losses[known].mean()) if known.any() else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class MlpOptions:
    """How the head is fitted. `vectortag fit` overrides these defaults: see FIT_OPTIONS."""

    hidden: int = 256  # values of the hidden layer

    # Regularisation
    dropout: float = 0.4  # share of the hidden values that a step leaves out
    input_dropout: float = 0.0  # share of the embedding's values that a step leaves out
    mixup: float = 0.0  # alpha of the Beta distribution of mixup (Zhang et al. 2017, arXiv:1710.09412); 0 is off
    weight_decay: float = 0.0  # see `AdamW`

    # Optimisation: AdamW, under a learning rate that falls to 0 along half a cosine
    epochs: int = 25
    batch_size: int = 64
    learning_rate: float = 1e-3  # of the first step
    seed: int = 1  # of the first weights, the order of the photos, dropout and mixup


FIT_OPTIONS = MlpOptions(hidden=512, dropout=0.5, input_dropout=0.3, mixup=0.3, weight_decay=0.3, batch_size=64)
"""The options of `vectortag fit`; epochs and seed are set per run.

A user's own data set is small: with the wide head, this regularisation is worth 0.5 to 3.7 points of mAP
(docs/new-tags.md)."""


def fit_mlp(
    embeddings: FloatArray,
    targets: ByteArray,
    options: MlpOptions | None = None,
    *,
    weights: FloatArray | None = None,
    after_epoch: Callable[[MlpBlock], None] | None = None,
) -> MlpBlock:
    """Minimise the binary cross-entropy of the known targets.

    The embeddings are standardised for the fit, which makes it faster and better; the head that is returned takes them
    as they are.

    Args:
        embeddings: (N, K) float32.
        targets: (N, T) uint8, multi-hot; 255 is unknown and counts nothing.
        options: how; None is `MlpOptions()`.
        weights: (T,), how much a positive of each tag weighs, as `class_weights` gives them; None is 1 each.
        after_epoch: gets the head as it is after each epoch.

    Raises:
        ShapeError: the two have different numbers of rows.
    """
    options = options or MlpOptions()
    if len(embeddings) != len(targets):
        raise ShapeError(f"expected one row of targets a photo, got {len(targets)} for {len(embeddings)}")
    random = np.random.default_rng(options.seed)
    middle, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + SMALLEST_SPREAD  # (K,), (K,)
    embeddings, truth = (embeddings - middle) / spread, with_gaps(targets)
    parameters = _start(random, embeddings.shape[1], options.hidden, targets.shape[1])
    optimisers = [AdamW(parameter, weight_decay=options.weight_decay) for parameter in parameters]
    done, steps = 0, options.epochs * math.ceil(len(embeddings) / options.batch_size)
    for _ in range(options.epochs):
        order = random.permutation(len(embeddings))
        for first in range(0, len(order), options.batch_size):
            rows = order[first : first + options.batch_size]
            inputs, wanted = _augmented(random, embeddings[rows], truth[rows], options)
            kept = _kept(random, (len(rows), options.hidden), options.dropout)
            rate = options.learning_rate * 0.5 * (1 + math.cos(math.pi * done / steps))
            gradients = _gradients(parameters, inputs, wanted, kept, weights)
            for optimiser, gradient in zip(optimisers, gradients, strict=True):
                optimiser.step(gradient, rate)
            done += 1
        if after_epoch is not None:
            after_epoch(_for_plain_embeddings(parameters, middle, spread))
    return _for_plain_embeddings(parameters, middle, spread)


def _augmented(
    random: np.random.Generator, inputs: FloatArray, targets: FloatArray, options: MlpOptions
) -> tuple[FloatArray, FloatArray]:
    """A batch, (B, K) and (B, T), after mixup and the dropout of its embeddings."""
    if options.mixup:
        share, partner = np.float32(random.beta(options.mixup, options.mixup)), random.permutation(len(inputs))
        inputs, targets = (share * one + (1 - share) * one[partner] for one in (inputs, targets))
    if options.input_dropout:
        inputs = inputs * _kept(random, inputs.shape, options.input_dropout)
    return inputs, targets


def with_gaps(targets: ByteArray) -> FloatArray:
    """(N, T) uint8 -> float32, NaN if nothing is known."""
    return np.where(targets == UNKNOWN, np.float32(np.nan), targets.astype(np.float32))


def _kept(random: np.random.Generator, shape: tuple[int, ...], dropout: float) -> FloatArray:
    """A dropout mask: 0 for dropped values, 1 / (1 - dropout) for the others."""
    return (random.random(shape, np.float32) >= dropout).astype(np.float32) / np.float32(1 - dropout)


def _for_plain_embeddings(parameters: list[FloatArray], middle: FloatArray, spread: FloatArray) -> MlpBlock:
    w1, b1, w2, b2 = parameters
    scaled = (w1 / spread).astype(np.float32)
    return MlpBlock(scaled, (b1 - scaled @ middle).astype(np.float32), w2.copy(), b2.copy())


def _start(random: np.random.Generator, width: int, hidden: int, tags: int) -> list[FloatArray]:
    """Uniform in +-1/sqrt(inputs), as torch's Linear."""
    shapes = [((hidden, width), width), ((hidden,), width), ((tags, hidden), hidden), ((tags,), hidden)]
    return [random.uniform(-(n**-0.5), n**-0.5, shape).astype(np.float32) for shape, n in shapes]


def _gradients(
    parameters: list[FloatArray],
    embeddings: FloatArray,
    targets: FloatArray,
    kept: FloatArray,
    weights: FloatArray | None = None,
) -> list[FloatArray]:
    """Of the mean loss over a batch, where NaN is unknown; `kept` (B, H) is the dropout mask."""
    w1, b1, w2, b2 = parameters
    before = embeddings @ w1.T + b1  # (B, H)
    gate = kept * (before > 0)
    hidden = before * gate
    known, truth = ~np.isnan(targets), np.nan_to_num(targets)
    weight = np.float32(1) if weights is None else weights
    scores = sigmoid(hidden @ w2.T + b2)
    errors = scores * (1 + (weight - 1) * truth) - weight * truth  # (B, T)
    errors *= known / np.float32(max(int(known.sum()), 1))
    back = (errors @ w2) * gate  # (B, H)
    return [back.T @ embeddings, back.sum(axis=0), errors.T @ hidden, errors.sum(axis=0)]

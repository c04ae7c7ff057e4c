"""Photos in folds, each judged by a head that has learnt the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vectortag.assembly.mlp import FIT_OPTIONS, fit_mlp
from vectortag.core.errors import ConfigError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.data.vocabulary import judgeable
from vectortag.model.calibration import Calibration, fit_calibration

FOLDS = 5
EPOCHS = 25
"""Of the head of each fold. It is calibrated afterwards, so an epoch that is best for thresholds is not looked for."""

Folds = npt.NDArray[np.intp]


def folds_of(photos: int, *, folds: int = FOLDS, groups: Sequence[Sequence[int]] = (), seed: int = 1) -> Folds:
    """(N,): the fold of each photo, drawn by the seed, of nearly equal size.

    Args:
        groups: the rows of photos that show one picture; each group goes to one fold.

    Raises:
        ConfigError: there are fewer photos than folds, or fewer than two folds.
    """
    if not 2 <= folds <= photos:
        raise ConfigError(f"folds: expected 2 to {photos}, the number of photos, got {folds}")
    chosen = np.random.default_rng(seed).permutation(np.arange(photos) % folds)
    for first, *others in groups:
        chosen[others] = chosen[first]
    return chosen


def out_of_fold_scores(
    embeddings: FloatArray, targets: ByteArray, folds: Folds, *, epochs: int = EPOCHS, seed: int = 1
) -> FloatArray:
    """Calibrated scores of each photo by a head that has learnt the photos of the other folds alone.

    Args:
        embeddings: (N, K) float32.
        targets: (N, T) uint8, 255 = unknown.
        folds: (N,), the fold of each photo.
        epochs: of each head.

    Returns:
        (N, T) float32 in [0, 1].
    """
    options = replace(FIT_OPTIONS, epochs=epochs, seed=seed)
    logits = np.empty(targets.shape, np.float32)
    for fold in np.unique(folds):
        judged = folds == fold
        logits[judged] = fit_mlp(embeddings[~judged], targets[~judged], options).logits(embeddings[judged])
    slope, bias = fit_calibration(logits, judgeable(targets))
    return Calibration(slope, bias, {}).scores(logits)

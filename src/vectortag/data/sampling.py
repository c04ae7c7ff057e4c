"""Subsampling and sampling that keep rare tags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vectortag.core.types import ByteArray, Doubles


def rarity_weights(targets: ByteArray) -> Doubles:
    """How often each photo is drawn: proportional to 1 / sqrt(photos that have its rarest tag).

    The square root stands between "as often as there are photos" and "each tag equally often", which would show the
    few photos of a rare tag hundreds of times an epoch (Mikolov et al. 2013 and Mahajan et al. 2018 use the same).

    Args:
        targets: (N, T) uint8, 255 = unknown.

    Returns:
        (N,) float64 with sum 1. A photo without tags is drawn like one of the most frequent tag.

    >>> rarity_weights(np.uint8([[1, 0], [1, 0], [1, 0], [1, 1]])).round(2)
    array([0.2, 0.2, 0.2, 0.4])
    """
    present = targets == 1
    photos = present.sum(axis=0)
    most = max(int(photos.max(initial=0)), 1)
    rarest = np.where(present, photos, most).min(axis=1, initial=most)  # (N,)
    weights = 1 / np.sqrt(rarest)
    return np.asarray(weights / weights.sum())


def subsample(targets: ByteArray, count: int, *, seed: int) -> npt.NDArray[np.intp]:
    """Choose `count` photos without replacement, weighted by `rarity_weights`; all of them where there are fewer.

    Args:
        targets: (N, T) uint8, 255 = unknown.
        count: how many to keep.

    Returns:
        The chosen rows in ascending order.
    """
    if count >= len(targets):
        return np.arange(len(targets))
    chosen = np.random.default_rng(seed).choice(len(targets), count, replace=False, p=rarity_weights(targets))
    return np.sort(chosen)

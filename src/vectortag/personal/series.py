"""Photos of one series, as a camera held down makes them, count as one example: they show one thing once."""

from __future__ import annotations

import numpy as np

from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray

SAME = 0.97
"""The cosine of standardised embeddings from which two photos are of one series. Of photos of everyday life no two
different ones reach it; webcams at one place do, and scanned receipts stay below in most pairs."""


def merge_series(photos: FloatArray, background: FloatArray) -> FloatArray:
    """One photo for each series, the mean of its photos in every view: (n, V, K) -> (m, V, K).

    Args:
        background: (B, K) photos of everything, which say how embeddings vary.
    """
    middle, spread = background.mean(axis=0), background.std(axis=0) + np.float32(1e-3)
    plain = unit((photos[:, 0] - middle) / spread)
    alike = plain @ plain.T >= SAME
    first = np.arange(len(photos))
    for one in range(len(photos)):  # a photo belongs to the series of any that it is like
        joined = np.unique(first[alike[one]])
        first[np.isin(first, joined)] = joined.min(initial=one)
    return np.stack([photos[first == one].mean(axis=0) for one in np.unique(first)]) if len(photos) else photos

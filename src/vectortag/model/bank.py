"""The bank: photos of everything that a new tag is told from, and how far a tag that was fitted against it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray
from vectortag.model.trust import Trust, pack_trust, unpack_trust

LEVELS = 16
SMALLEST_STEP = 1e-12


@dataclass(frozen=True, slots=True)
class Bank:
    """Photos of many sources, as many of each as there are.

    Attributes:
        embeddings: (B, K) float32.
        named: trust of tags from examples whose name is read as well, by the signs of `vectortag.personal.few_shot`;
            None while that is not measured.
    """

    embeddings: FloatArray
    named: Trust | None = None


def pack_bank(bank: Bank) -> dict[str, npt.NDArray[Any]]:
    """Each channel in 16 steps of the root of what is above its lowest value: most values are low. Two are a byte."""
    low = bank.embeddings.min(axis=0)
    roots = np.sqrt(bank.embeddings - low)
    step = np.maximum(roots.max(axis=0) / (LEVELS - 1), np.float32(SMALLEST_STEP))
    codes = np.rint(roots / step).astype(np.uint8)
    codes = np.pad(codes, ((0, 0), (0, codes.shape[1] % 2)))
    halves = codes[:, 0::2] << 4 | codes[:, 1::2]
    arrays = {"bank.halves": halves, "bank.low": low.astype(np.float32), "bank.step": step.astype(np.float32)}
    return arrays if bank.named is None else arrays | pack_trust(bank.named, "named")


def unpack_bank(arrays: Mapping[str, npt.NDArray[Any]], width: int) -> Bank | None:
    """What was packed; None where there is no bank.

    Args:
        width: K, of an embedding.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together.
    """
    if "bank.halves" not in arrays:
        return None
    halves, low, step = (arrays[f"bank.{name}"] for name in ("halves", "low", "step"))
    if halves.ndim != 2 or halves.shape[1] != (width + 1) // 2 or low.shape != (width,) or step.shape != (width,):
        raise ValueError(f"a bank of {halves.shape}, {low.shape} and {step.shape} for embeddings of {width}")
    codes = np.stack([halves >> 4, halves & 15], axis=2).reshape(len(halves), -1)[:, :width]
    roots = codes.astype(np.float32) * step
    return Bank(roots * roots + low, unpack_trust(arrays, "named"))

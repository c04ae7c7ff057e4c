"""The line of a search: from which likeness on a photo probably shows what a sentence says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import TINY
from vectortag.core.types import Doubles, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A likeness counts by itself, and by how far it stands out of those of photos of everything.

    Attributes:
        middle, spread: (D,) and (D, D), mean and covariance of the directions of photos of everything.
        weights: (4,) of a constant and of the three numbers of `line_signs`; their sum is above 0 above the line.
        right: of the photos above the line, how many showed what was asked for, in the trials.
        queries: how many sentences and words it rests on.
    """

    middle: FloatArray
    spread: FloatArray
    weights: FloatArray
    right: float
    queries: int

    def is_above(self, query: FloatArray, cosines: FloatArray) -> npt.NDArray[np.bool_]:
        """Which photos probably show it: (D,), (N,) -> (N,)."""
        signs = line_signs(query, cosines, self.middle, self.spread)  # (N, 3)
        above: npt.NDArray[np.bool_] = self.weights[0] + signs @ self.weights[1:] >= 0
        return above


def line_signs(query: FloatArray, cosines: FloatArray, middle: FloatArray, spread: FloatArray) -> Doubles:
    """The cosine, the same in deviations of photos of everything, and what these have in the mean: (N, 3)."""
    usual = float(query @ middle)
    deviation = max(float(query @ spread @ query), TINY) ** 0.5
    return np.stack([cosines, (cosines - usual) / deviation, np.full(len(cosines), usual)], axis=1).astype(np.float64)


def pack_line(line: Line) -> dict[str, npt.NDArray[Any]]:
    """Its arrays by name."""
    numbers = np.array([line.right, line.queries], np.float32)
    return {
        "line.middle": line.middle.astype(np.float32),
        "line.spread": line.spread.astype(np.float16),
        "line.weights": line.weights.astype(np.float32),
        "line.numbers": numbers,
    }


def unpack_line(arrays: Mapping[str, npt.NDArray[Any]], width: int) -> Line | None:
    """What was packed; None where there is nothing.

    Args:
        width: D.

    Raises:
        KeyError: an array is missing.
        ValueError: an array has another shape.
    """
    if "line.weights" not in arrays:
        return None
    for name, shape in {"middle": (width,), "spread": (width, width), "weights": (4,), "numbers": (2,)}.items():
        if arrays[f"line.{name}"].shape != shape:
            raise ValueError(f'"line.{name}" has the shape {arrays[f"line.{name}"].shape}, expected {shape}')
    middle, spread, weights, numbers = (
        arrays[f"line.{name}"].astype(np.float32) for name in ("middle", "spread", "weights", "numbers")
    )
    return Line(middle, spread, weights, float(numbers[0]), int(numbers[1]))

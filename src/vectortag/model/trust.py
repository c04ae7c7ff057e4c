"""How far a new tag can be trusted on photos of another source, read from a few signs of its fit.

Tags of several sources were tried: fitted on one source, or on their words alone, and judged on photos of others. What
that showed is kept as curves over the signs of a fit, so that a tag that nobody has tried gets a calibration and a
promise of its own. All shares are those of photos of which `PREVALENCE` have the tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import sigmoid
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.calibration import PROFILES, Calibration, Profile

PREVALENCE = 0.02
"""The assumed share of photos that have a new tag: about the median of the shipped models' tags."""

FARTHEST = 2.5
"""A sign counts as no farther from the middle of the tried ones than so many deviations."""

FLATTEST = 0.02
"""The least slope of a calibration: a lower one would reverse the ranking."""

LEAST_PRECISION, LEAST_RECALL = 0.6, 0.1
"""A tag of which less is expected is of no use: too much of what it shows is wrong, or it is hardly ever shown."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is expected of a tag on photos of another source than its examples, at the balanced threshold.

    Attributes:
        precision: of the photos that are shown the tag, how many have it.
        recall: of the photos that have the tag, how many are shown it.
    """

    precision: float
    recall: float

    @property
    def is_useful(self) -> bool:
        """Whether the tag is worth showing at all."""
        return self.precision >= LEAST_PRECISION and self.recall >= LEAST_RECALL

    def __str__(self) -> str:
        """In words, for a person.

        >>> print(Promise(0.82, 0.47))  # doctest: +NORMALIZE_WHITESPACE
        if 2 % of other photos show it: about 8 of 10 photos that get the tag are right, and about half of the photos
        that show it get the tag
        """
        right, found = _share(self.precision), _share(self.recall)
        rare = f"{100 * PREVALENCE:.0f} %"
        return (
            f"if {rare} of other photos show it: {right} photos that get the tag are right, and {found} photos that "
            "show it get the tag"
        )


def _share(number: float) -> str:
    tenths = round(10 * number)
    return {0: "hardly any", 5: "about half of the", 10: "nearly all"}.get(tenths, f"about {tenths} of 10")


@dataclass(frozen=True, slots=True)
class Trust:
    """Curves over the P signs of a fit; a row of `curves` and `promises` has a constant, then a weight for each sign.

    Attributes:
        middle, spread: (P,) of the signs of the tags that were tried.
        curves: (2, P + 1), slope and bias of the calibration.
        promises: (2, P + 1), precision and recall at the balanced threshold, as logits.
        thresholds: by profile, the same for every tag.
        tried: how many tags all of it rests on.
    """

    middle: FloatArray
    spread: FloatArray
    curves: FloatArray
    promises: FloatArray
    thresholds: Mapping[Profile, float]
    tried: int

    def calibration(self, signs: FloatArray) -> Calibration:
        """The calibration of one tag, from its signs (P,)."""
        slope, bias = self.curves @ standardised(signs, self.middle, self.spread)
        return Calibration.of_one(max(float(slope), FLATTEST), float(bias), self.thresholds)

    def promise(self, signs: FloatArray) -> Promise:
        """What is expected of one tag, from its signs (P,)."""
        precision, recall = sigmoid(self.promises @ standardised(signs, self.middle, self.spread))
        return Promise(float(precision), float(recall))


def standardised(signs: FloatArray, middle: FloatArray, spread: FloatArray) -> Doubles:
    """Signs as deviations from the middle, with a constant before them: (.., P) -> (.., P + 1)."""
    deviations = np.clip((signs.astype(np.float64) - middle) / spread, -FARTHEST, FARTHEST)
    return np.concatenate([np.ones((*deviations.shape[:-1], 1)), deviations], axis=-1)


def pack_trust(trust: Trust, kind: str = "trust") -> dict[str, npt.NDArray[Any]]:
    """Its arrays by name, which begins with the kind."""
    arrays = {name: getattr(trust, name).astype(np.float32) for name in ("middle", "spread", "curves", "promises")}
    thresholds = np.array([trust.thresholds[profile] for profile in PROFILES], np.float32)
    return {f"{kind}.{name}": array for name, array in arrays.items()} | {
        f"{kind}.thresholds": thresholds,
        f"{kind}.tried": np.array([trust.tried], np.int32),
    }


def unpack_trust(arrays: Mapping[str, npt.NDArray[Any]], kind: str = "trust") -> Trust | None:
    """What was packed of this kind; None where there is nothing.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together.
    """
    if f"{kind}.curves" not in arrays:
        return None
    signs = arrays[f"{kind}.middle"].size
    shapes = {"middle": (signs,), "spread": (signs,), "curves": (2, signs + 1), "promises": (2, signs + 1)}
    shapes |= {"thresholds": (len(PROFILES),), "tried": (1,)}
    for name, shape in shapes.items():
        if arrays[f"{kind}.{name}"].shape != shape:
            raise ValueError(f'"{kind}.{name}" has the shape {arrays[f"{kind}.{name}"].shape}, expected {shape}')
    middle, spread, curves, promises = (
        arrays[f"{kind}.{name}"].astype(np.float32) for name in ("middle", "spread", "curves", "promises")
    )
    if not (spread > 0).all():
        raise ValueError(f'"{kind}.spread" has a number that is not above 0')
    thresholds = dict(zip(PROFILES, arrays[f"{kind}.thresholds"].astype(np.float64).tolist(), strict=True))
    return Trust(middle, spread, curves, promises, thresholds, int(arrays[f"{kind}.tried"][0]))

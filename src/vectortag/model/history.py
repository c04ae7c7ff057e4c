"""What a model folder remembers of each epoch of its training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

NEEDED = ("train_loss", "val_loss", "val_map")
"""The figures of every epoch. JSON has no NaN: in the manifest, one that is not a number is null."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of one epoch. Two epochs are equal if all but their times are.

    Attributes:
        train_loss, val_loss: with the configured loss.
        val_map: over all sets together, in [0, 1].
        val_f1: the highest micro F1 that one threshold for all tags gives, in [0, 1]; None where it was not measured.
        learning_rate: of the head, in the last step; None where it was not noted, as are the next two.
        seconds: of training and validation.
        photos_per_second: of training alone.
    """

    train_loss: float
    val_loss: float
    val_map: float
    val_f1: float | None = None
    learning_rate: float | None = None
    seconds: float | None = field(default=None, compare=False)
    photos_per_second: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        text = f"train loss {self.train_loss:.4f}, val loss {self.val_loss:.4f}, val mAP {100 * self.val_map:.2f}"
        if self.val_f1 is not None:
            text += f", F1 {100 * self.val_f1:.2f}"
        if self.learning_rate is not None:
            text += f", rate {self.learning_rate:.2g}"
        if self.seconds is not None and self.photos_per_second is not None:
            text += f"; {self.seconds:.1f} s, {self.photos_per_second:.0f} photos/s"
        return text

    def to_plain(self) -> dict[str, float]:
        """As the manifest keeps it, without what was not measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Learning:
    """The figures of every epoch of a training; `best` is the index of the epoch that was kept."""

    epochs: tuple[Epoch, ...]
    best: int

    def to_plain(self) -> dict[str, Any]:
        """As provenance keeps it, where epochs count from 1."""
        return {"epochs": [epoch.to_plain() for epoch in self.epochs], "best_epoch": self.best + 1}


def learning_of(provenance: Mapping[str, Any]) -> Learning | None:
    """How the training went, as a manifest's provenance remembers it; None if it does not."""
    rows, best = provenance.get("epochs"), provenance.get("best_epoch")
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        return None
    if not isinstance(best, int) or not 1 <= best <= len(rows):
        return None
    return Learning(tuple(map(_epoch, rows)), best - 1)


def _epoch(row: Mapping[str, Any]) -> Epoch:
    values = {one.name: row.get(one.name) for one in fields(Epoch)}
    known = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return Epoch(**(dict.fromkeys(NEEDED, math.nan) | known))

"""What TensorBoard shows of a training besides its curves: settings, how average precision is spread, photos."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, cast

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger

from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray
from vectortag.data.training import Part
from vectortag.runtime.pixels import PixelRecipe, load_pixels
from vectortag.train.config import TrainConfig
from vectortag.train.lightning_module import TagModule

EXAMPLES = 16
"""Training photos that are shown."""

SIDE = 224
"""Pixels a side of a shown photo, squashed as a network sees it."""


class TensorBoardNotes(Callback):
    """Writes training photos at the start, a histogram over the tags after each epoch, and the settings at the end.

    Args:
        config: its keys become hyperparameters, as `loss.kind`.
        tags: the names of the columns of the targets.
        training: photos are drawn from it by the seed.
    """

    def __init__(self, config: TrainConfig, tags: Sequence[str], training: Part) -> None:
        chosen = np.random.default_rng(config.seed).permutation(len(training.records))[:EXAMPLES]
        self._examples = [(_label(tags, training.targets[row]), training.records[row].photo) for row in chosen]
        self._settings = dict(_flat(config.model_dump(mode="json")))

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        if trainer.current_epoch > 0:  # resumed: they are there
            return
        for logger in _loggers(trainer):
            for number, (label, photo) in enumerate(self._examples, start=1):
                with contextlib.suppress(PhotoError):  # whoever needs the photo says what is wrong with it
                    pixels = load_pixels(photo, SIDE, PixelRecipe())
                    logger.experiment.add_image(f"training photos/{number}: {label}", pixels, dataformats="HWC")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        precisions = cast(TagModule, pl_module).precisions
        known = precisions[np.isfinite(precisions)]
        for logger in _loggers(trainer) if len(known) else ():
            logger.experiment.add_histogram("average precision of each tag", known, trainer.global_step)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epochs = cast(TagModule, pl_module).epochs
        best = max((epoch.val_map for epoch in epochs if np.isfinite(epoch.val_map)), default=0.0)
        for logger in _loggers(trainer):
            logger.log_hyperparams(self._settings, {"hp/val_map": best})


def _loggers(trainer: pl.Trainer) -> list[TensorBoardLogger]:
    if not trainer.is_global_zero:
        return []
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]


def _label(tags: Sequence[str], targets: ByteArray) -> str:
    return ", ".join(tag for tag, value in zip(tags, targets, strict=True) if value == 1) or "no tag"


def _flat(section: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Each key of a configuration by its path, as `loss.kind`; lists as text."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            yield f"{before}{key}", str(value)
        else:
            yield f"{before}{key}", value

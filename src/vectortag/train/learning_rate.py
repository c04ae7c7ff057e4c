"""A learning-rate range test by Lightning's Tuner: which learning rate lets the loss fall fastest."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.tuner.tuning import Tuner
from matplotlib.figure import Figure
from torch import Tensor

from vectortag.core import distributed
from vectortag.core.errors import ConfigError, TrainingError
from vectortag.core.writing import atomic_output
from vectortag.train.config import TrainConfig
from vectortag.train.engine import explained, quiet, trainer_of
from vectortag.train.lightning_module import TagModule
from vectortag.train.prepare import prepare

LOWEST, HIGHEST = 1e-6, 1.0
"""The learning rates of the first and of the last step."""

STEPS, WINDOW = 100, 11


@dataclass(frozen=True, slots=True)
class Curve:
    """How the loss went while the learning rate rose.

    Attributes:
        rates: the learning rate of each step.
        losses: of each step; the mean over the WINDOW steps around it.
        suggestion: the rate at which the loss fell fastest.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

    @staticmethod
    def of(rates: Sequence[float], losses: Sequence[float]) -> Curve:
        """The curve of the losses as they were, with the rate at which they fell fastest for each decade of the rate.

        Lightning's own suggestion divides by the rate, so that the noise of the lowest rates wins.

        Raises:
            TrainingError: the loss did not fall, or was no number.
        """
        known = np.isfinite(losses)
        values, logs = np.asarray(losses, np.float64)[known], np.log10(np.asarray(rates, np.float64)[known])
        smooth, slopes = values, np.zeros(1)
        if len(values) > WINDOW:
            around = np.ones(WINDOW)
            smooth = np.convolve(values, around, "same") / np.convolve(np.ones(len(values)), around, "same")
            slopes = np.gradient(smooth, logs)[: int(smooth.argmin()) + 1]
        if slopes.min() >= 0:
            raise TrainingError(
                "no learning rate can be suggested: the loss did not fall. Look at the data, the loss and batch_size"
            )
        return Curve(tuple(10**logs), tuple(smooth), float(10 ** logs[slopes.argmin()]))

    def write(self, table: Path, picture: Path) -> None:
        """Write the curve as CSV and as PNG.

        Raises:
            OutputError: a file cannot be written.
        """
        lines = ["learning_rate,loss", *(f"{rate},{loss}" for rate, loss in zip(self.rates, self.losses, strict=True))]
        with atomic_output(table) as file:
            file.write(("\n".join(lines) + "\n").encode())
        with atomic_output(picture) as file:
            _draw(self).savefig(file, format="png")


class _Finding(TagModule):
    """A module whose learning rates the Tuner raises; each layer keeps its share of the head's."""

    def __init__(self, whole: TagModule) -> None:
        super().__init__(whole.config, whole.trunk, whole.head, whole.loss, whole.held, whole.teacher)
        self.losses: list[float] = []

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> Any:
        loss: Tensor | None
        try:
            loss = super().training_step(batch, step)
        except FloatingPointError:  # the rate is too high by now, which is what is to be found out
            self.trainer.should_stop = True
            loss = None
        if (step + 1) % self.config.accumulate == 0:  # when the Tuner notes the rate
            self.losses.append(math.nan if loss is None else loss.item())
        return loss

    def on_train_epoch_end(self) -> None:
        """Nothing is validated, and no epoch is kept."""

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        for group in optimizer.param_groups:
            group["lr"] *= group["full_lr"] / self.config.learning_rate


def find_learning_rate(config: TrainConfig, output: str | Path = "runs", *, skip_bad_rows: bool = False) -> Curve:
    """Train for 100 steps with a rising learning rate, forget what was learnt, and write the curve.

    It goes to `output`/`config.name`.learning_rates.csv and .png; a run of that name is neither read nor changed. What
    rests in the first epoch rests here as well.

    Args:
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.

    Returns:
        The curve, with a suggestion for `learning_rate`.

    Raises:
        TrainingError: the loss did not fall, or was no number.
        VectorTagError: as for a training.
    """
    if distributed.count() > 1:
        raise ConfigError("a learning rate is looked for in one process. Start without torchrun")
    start = prepare(config, skip_bad_rows=skip_bad_rows)
    module = _Finding(start.module())
    with tempfile.TemporaryDirectory() as folder, quiet(), explained(Path(folder)):
        trainer = trainer_of(config.model_copy(update={"epochs": STEPS}), Path(folder), [], [])
        found: Any = Tuner(trainer).lr_find(
            module, start.loaders()[0], min_lr=LOWEST, max_lr=HIGHEST, num_training=STEPS, update_attr=False
        )
    curve = Curve.of(found.results["lr"][: len(module.losses)], module.losses)
    table, picture = curve_files(output, config.name)
    table.parent.mkdir(parents=True, exist_ok=True)
    curve.write(table, picture)
    return curve


def curve_files(output: str | Path, name: str) -> tuple[Path, Path]:
    """Where the curve of a configuration of that name is written: the table and the picture."""
    return Path(output) / f"{name}.learning_rates.csv", Path(output) / f"{name}.learning_rates.png"


def _draw(curve: Curve) -> Figure:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(curve.rates, curve.losses)
    axes.axvline(curve.suggestion, linestyle="--", color="tab:red", label=f"suggested: {curve.suggestion:.2g}")
    axes.set(xlabel="learning rate", ylabel=f"loss, mean over {WINDOW} steps")
    axes.legend()
    return figure

"""A learning-rate range test by Lightning's Tuner: which learning rate lets the loss fall fastest."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

STEPS = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """How the loss went while the learning rate rose.

    Attributes:
        rates, losses: one of each per step; the losses are a running mean.
        suggestion: the rate at which the loss fell fastest.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

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

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> Any:
        try:
            return super().training_step(batch, step)
        except FloatingPointError:  # the rate is too high by now, which is what is to be found out
            self.trainer.should_stop = True
            return None

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
        The curve, with Lightning's suggestion for `learning_rate`.

    Raises:
        TrainingError: the loss is no number from the start.
        VectorTagError: as for a training.
    """
    if distributed.count() > 1:
        raise ConfigError("a learning rate is looked for in one process. Start without torchrun")
    start = prepare(config, skip_bad_rows=skip_bad_rows)
    whole = start.module()
    module = _Finding(config, whole.trunk, whole.head, whole.loss, whole.held, whole.teacher)
    with tempfile.TemporaryDirectory() as folder, quiet(), explained(Path(folder)):
        trainer = trainer_of(config.model_copy(update={"epochs": STEPS}), Path(folder), [], [])
        found: Any = Tuner(trainer).lr_find(
            module, start.loaders()[0], min_lr=LOWEST, max_lr=HIGHEST, num_training=STEPS, update_attr=False
        )
    rates, losses, best = found.results["lr"], found.results["loss"], found.suggestion()
    if best is None or not math.isfinite(best):
        raise TrainingError(
            "no learning rate can be suggested: the loss is not a number. Look at the data and the loss"
        )
    curve = Curve(tuple(rates[: len(losses)]), tuple(losses), best)
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
    axes.set(xlabel="learning rate", ylabel="loss, running mean")
    axes.legend()
    return figure

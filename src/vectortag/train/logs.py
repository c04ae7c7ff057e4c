"""What a training shows and writes while it runs: the progress bar, metrics.csv, TensorBoard."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from vectortag.core import distributed
from vectortag.core.files import read_text
from vectortag.core.writing import ORDINARY, replace_file
from vectortag.train.run import LOGS, METRICS, TENSORBOARD, Progress


class Bar(RichProgressBar):
    """Lightning's bar on stderr, since stdout is for data; it counts epochs from 1, as the log does."""

    def __init__(self) -> None:
        super().__init__(leave=False, console_kwargs={"stderr": True})

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1} of {self.trainer.max_epochs}"

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Without `v_num`, the number that Lightning gives to a folder of logs: a run has one folder."""
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}


def loggers(run: Path, progress: Progress) -> list[Logger]:
    """The loggers of a run; both continue the logs of the epochs that are finished.

    Rows of an epoch that was interrupted are dropped from metrics.csv, and hidden by TensorBoard: the epoch is trained
    again. Where a training ended between saving an epoch and logging its figures, they are logged now.
    """
    kept = _rows(run / LOGS / METRICS, progress) if progress.epochs and distributed.rank() == 0 else []
    table = CSVLogger(run, name="", version=LOGS)
    if kept:
        _continue(table, run / LOGS / METRICS, kept)
    purge_step = progress.steps if progress.epochs else None
    both = [table, TensorBoardLogger(run, name="", version=TENSORBOARD, purge_step=purge_step)]
    if kept and progress.logged and not _has_last_epoch(kept, progress):
        for one in both:
            one.log_metrics({**progress.logged, "epoch": progress.epochs - 1}, step=progress.steps - 1)
            one.save()
    return both


def _has_last_epoch(rows: list[dict[str, str]], progress: Progress) -> bool:
    """Whether a row has the figures of the training photos; those of the validation photos have their own row."""
    return any(int(row["epoch"]) == progress.epochs - 1 and row.get("train_loss") for row in rows)


def _rows(file: Path, progress: Progress) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    rows = csv.DictReader(io.StringIO(read_text(file)))
    return [row for row in rows if row.get("epoch", "").isdigit() and int(row["epoch"]) < progress.epochs]


def _continue(table: CSVLogger, file: Path, rows: list[dict[str, str]]) -> None:
    """Lightning's writer removes an older file when it is made: write the rows again, for it to append to."""
    writer = table.experiment
    writer.metrics_keys = list(rows[0])
    text = io.StringIO(newline="")
    content = csv.DictWriter(text, fieldnames=writer.metrics_keys)
    content.writeheader()
    content.writerows(rows)
    replace_file(file, text.getvalue().encode(), mode=ORDINARY)

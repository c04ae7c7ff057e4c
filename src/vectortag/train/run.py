"""What a training keeps in its run folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core import distributed
from vectortag.core.errors import ConfigError
from vectortag.core.file_names import escape_path
from vectortag.library.update_lock import update_lock
from vectortag.model.folder import check_destination

BEST = "best.ckpt"
LAST = "last.ckpt"
BACKBONE = "backbone.safetensors"
"""The backbone of the best epoch, which another training can start from."""
CONFIG = "config.json"
TAGS = "tags.json"
"""The tags that are learnt, in the order of the head's outputs."""
LOGS, METRICS = "logs", "metrics.csv"
TENSORBOARD = "tensorboard"
WITHOUT = "without_"
"""Before the name of a fold: the folder of the training that leaves it out; see `vectortag.train.across`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        epochs: how many are finished.
        steps: of the optimiser, in them.
        logged: the figures of the last of them; Lightning logs them only after the epoch is saved.
    """

    epochs: int = 0
    steps: int = 0
    logged: Mapping[str, float] = field(default_factory=dict)


def check_free(model: Path, run: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse to replace a training: one that is finished, or one that can be resumed.

    Raises:
        ConfigError: there is one of that name, and it is neither to be resumed nor to be replaced.
        OverwriteError: what lies at `model` is no model folder.
    """
    check_destination(model)
    if resume or overwrite:
        return
    if model.exists():
        raise ConfigError(
            f"{escape_path(model)}: there is a model of that name already. Choose another name, or pass --overwrite"
        )
    if (run / LAST).exists():
        raise ConfigError(
            f"{escape_path(run)}: holds a training that is not finished. Pass --resume to continue it, or --overwrite "
            "to start again"
        )


@contextlib.contextmanager
def alone_in(run: Path) -> Iterator[None]:
    """Hold the run folder until the end of the block: two trainings would write into each other's logs.

    Raises:
        ConfigError: another process trains there.
    """
    if distributed.rank() > 0:  # the first process holds it for all of a training
        yield
        return
    run.mkdir(parents=True, exist_ok=True)
    with update_lock(run / "training", stop=lambda: True) as held:
        if not held:
            raise ConfigError(f"{escape_path(run)}: another process trains there. Wait for it, or choose another name")
        yield


def forget(run: Path) -> None:
    """Remove the logs of an older training, and the checkpoints that would resume it.

    Its best epoch and its backbone stay until they are replaced: the new training may start from them.
    """
    (run / LAST).unlink(missing_ok=True)
    for folder in (run / LOGS, run / TENSORBOARD, *run.glob(f"{WITHOUT}*")):
        shutil.rmtree(folder, ignore_errors=True)

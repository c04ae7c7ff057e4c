"""Run a training with Lightning: checkpoints, early stopping, logs, resuming."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.utils.data import DataLoader

from vectortag.core import distributed
from vectortag.core.errors import TrainingError
from vectortag.model.history import Learning
from vectortag.train.config import TrainConfig
from vectortag.train.distil import Held
from vectortag.train.lightning_module import TagModule
from vectortag.train.logs import Bar, loggers
from vectortag.train.run import BEST, LAST, Progress

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves: trunk, head and held classifier of the best epoch, and how it went."""

    trunk: nn.Module
    head: nn.Module
    held: Held | None
    learning: Learning


def fit(
    module: TagModule,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    run: Path,
    *,
    callbacks: Sequence[Callback] = (),
    more_loggers: Sequence[Logger] = (),
    resume: bool = False,
) -> Trained:
    """Train and return the best epoch.

    Args:
        module: what is trained, and how.
        run: the folder for checkpoints and logs.
        callbacks, more_loggers: Lightning's, besides those that every training has.
        resume: go on after the last finished epoch that `run` holds.

    Raises:
        TrainingError: the loss is no longer a number, the disk is full, or there is nothing to resume.
        KeyboardInterrupt: Ctrl-C; what was finished can be resumed.
    """
    config = module.config
    if config.freeze != "backbone":  # for convolutions, on CPU and GPU alike
        module = module.to(memory_format=torch.channels_last)
    best, each = _checkpoints(config, run)
    last = _last(run) if resume else None
    progress = _progress(last) if last else Progress()
    # Lightning tells the sampler its epoch after worker processes have drawn their first batches.
    training.sampler.set_epoch(progress.epochs)  # type: ignore[attr-defined]
    with quiet():
        trainer = trainer_of(
            config, run, [*_callbacks(config), *callbacks, best, each], [*loggers(run, progress), *more_loggers]
        )
        with explained(run):
            trainer.fit(module, training, validation, ckpt_path=last, weights_only=True)
    checkpoint = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    learning = Learning(tuple(module.epochs), int(checkpoint["epoch"]))
    return Trained(module.trunk.cpu().eval(), module.head.cpu().eval(), module.held and module.held.cpu(), learning)


def _checkpoints(config: TrainConfig, run: Path) -> tuple[ModelCheckpoint, ModelCheckpoint]:
    """For the best epoch, and for the last one; Lightning's `save_last` skips an epoch that is no better."""
    always: dict[str, Any] = {"save_on_train_epoch_end": True, "enable_version_counter": False}
    best = ModelCheckpoint(run, BEST.removesuffix(".ckpt"), monitor=config.monitor, mode=_mode(config), **always)
    return best, ModelCheckpoint(run, LAST.removesuffix(".ckpt"), **always)


@contextmanager
def explained(run: Path) -> Iterator[None]:
    """Raise what Lightning and torch say of the user's machine and settings in words that say what to do."""
    try:
        yield
    except FloatingPointError as error:
        raise TrainingError(f"{error}. Lower learning_rate") from error
    except TrainingError as error:
        if not str(error).startswith("Caught "):
            raise
        raise TrainingError(_own_words(error)) from error
    except SystemExit as error:  # Lightning turns Ctrl-C into an exit, and ignores the next one
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from error
    except (ValueError, RuntimeError, MemoryError) as error:
        if (problem := _in_plain_words(error)) is None:
            raise
        raise TrainingError(problem) from error
    except OSError as error:
        if error.errno is None:  # not of a file: a logger's server, say
            raise
        raise TrainingError(f"{run}: cannot be written: {error.strerror or error}") from error


def _own_words(error: TrainingError) -> str:
    """What an error of a worker process said there: torch puts the worker's traceback before it, in its last line."""
    return str(error).rstrip().rpartition("\n")[2].partition(": ")[2]


def _in_plain_words(error: Exception) -> str | None:
    """What torch says of a machine or of a setting that is too small; None for any other error."""
    text = str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in text:
        return "the memory is full. Lower batch_size or backbone.image_size"
    if "Expected more than 1 value per channel" in text:
        return "a batch of one photo cannot be normalised. Set batch_size to 2 or more"
    return None


def trainer_of(config: TrainConfig, run: Path, callbacks: list[Callback], every_logger: list[Logger]) -> pl.Trainer:
    """Lightning's Trainer as a configuration wants it, on the devices that are here."""
    return pl.Trainer(
        max_epochs=config.epochs,
        accelerator="auto",
        **_strategy(config),
        precision=_precision(config),
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=config.clip_gradient,
        callbacks=callbacks,
        logger=every_logger,
        default_root_dir=run,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
        enable_model_summary=False,
        benchmark=True,  # all photos of a training have one size
        enable_progress_bar=sys.stderr.isatty(),
    )


def _strategy(config: TrainConfig) -> dict[str, Any]:
    if distributed.count() == 1:
        return {"devices": 1}
    waits = config.frozen_epochs or config.unfreeze_at
    resting = "_find_unused_parameters_true" if waits else ""  # a resting backbone has no gradients
    nodes = distributed.count() // distributed.count_here()
    return {"strategy": f"ddp{resting}", "devices": distributed.count_here(), "num_nodes": nodes}


def _last(run: Path) -> Path:
    if not (run / LAST).is_file():
        raise TrainingError(f"{run}: no {LAST} to resume from. Start without --resume")
    return run / LAST


def _progress(checkpoint: Path) -> Progress:
    content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return Progress(int(content["epoch"]) + 1, int(content["global_step"]), content.get("logged", {}))


class _Patience(EarlyStopping):
    """Early stopping that stays stopped: Lightning's would train one more epoch where a stopped training is resumed."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


def _callbacks(config: TrainConfig) -> list[Callback]:
    callbacks: list[Callback] = []
    if sys.stderr.isatty():
        callbacks.append(Bar())
    if config.early_stopping is not None:
        callbacks.append(_Patience(config.monitor, patience=config.early_stopping, mode=_mode(config)))
    if config.ema:
        callbacks.append(EMAWeightAveraging(decay=config.ema))
    return callbacks


def _mode(config: TrainConfig) -> str:
    return "min" if config.monitor == "val_loss" else "max"


def _precision(config: TrainConfig) -> Any:
    """bf16 where the machine computes in it, else float32; "auto" does not use it for cached embeddings."""
    if config.precision in {"bf16", "fp16"}:
        return {"bf16": "bf16-mixed", "fp16": "16-mixed"}[config.precision]
    if config.precision == "float32" or config.freeze == "backbone":
        return "32-true"
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if _pays_in_bf16(config) else "32-true"


def _pays_in_bf16(config: TrainConfig) -> bool:
    """On a CPU bf16 helps dense convolutions, where the CPU has it, and harms depthwise ones."""
    dense = config.backbone.architecture.startswith("resnet")
    return dense and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's hints are for people who write a Trainer themselves."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), _quiet_threads():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        yield


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """TensorBoard writes in a thread: what it cannot write is an error in the training, too, and no traceback here."""
    plain = threading.excepthook

    def say(problem: threading.ExceptHookArgs) -> None:
        if not isinstance(problem.exc_value, OSError):
            plain(problem)

    threading.excepthook = say
    try:
        yield
    finally:
        threading.excepthook = plain

"""The Lightning module: one step of training, one of validation, the optimiser."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from vectortag.core import distributed
from vectortag.core.types import UNKNOWN, Doubles
from vectortag.evaluation.metrics import average_precision, highest_micro_f1, mean_over_tags
from vectortag.model.history import Epoch
from vectortag.train.backbone import Backbone
from vectortag.train.config import TrainConfig
from vectortag.train.distil import Held, Teacher
from vectortag.train.losses import Loss
from vectortag.train.optimiser import create_optimiser
from vectortag.train.stages import unfreeze

LOOK_EVERY = 50
"""Steps between two looks at the loss on a GPU, where each look makes the CPU wait. A loss that is no number spoils the
weights, so it is still none at the next look."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pace:
    """How fast an epoch goes.

    Attributes:
        photos: how many have been trained on, in all processes.
        rate: the learning rate of the last step.
    """

    photos: int = 0
    rate: float = 0.0
    _started: float = field(default_factory=time.monotonic)
    _trained: float | None = None

    def add(self, photos: int) -> None:
        """Count the photos of a step."""
        self.photos += photos

    def trained(self) -> None:
        """Note that validation begins."""
        self._trained = time.monotonic()

    def figures(self) -> dict[str, float]:
        """Seconds so far, and photos a second of training alone."""
        now = time.monotonic()
        spent = (self._trained or now) - self._started
        return {"seconds": now - self._started, "photos_per_second": self.photos / max(spent, 1e-9)}


def _of_all_processes(own: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """The batches of all processes in the order of the photos; each process has every `count`-th of them."""
    count = distributed.count()
    if count == 1:
        return own
    parts: list[Any] = [None] * count
    torch.distributed.all_gather_object(parts, [(logits.cpu(), targets.cpu()) for logits, targets in own])
    return [parts[step % count][step // count] for step in range(sum(map(len, parts)))]


def _share_of_known(targets: Tensor) -> Tensor | float:
    """How many targets this process knows, of the mean over processes.

    A loss is the mean over known targets. Times this, its mean over processes is the mean over all that they know.
    """
    if distributed.count() == 1:
        return 1.0
    own = (~targets.isnan()).sum().float()
    everywhere = own.clone()
    torch.distributed.all_reduce(everywhere)
    return distributed.count() * own / everywhere.clamp(min=1)


class TagModule(pl.LightningModule):
    """trunk: inputs -> feature map (B, K, h, w), or embeddings (B, K); head: (B, K) -> logits (B, T)."""

    def __init__(
        self,
        config: TrainConfig,
        trunk: nn.Module,
        head: nn.Module,
        loss: Loss,
        held: Held | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        super().__init__()
        self.config, self.trunk, self.head, self.loss = config, trunk, head, loss
        self.held, self.teacher = held, teacher
        self.epochs: list[Epoch] = []
        self.precisions: Doubles = np.empty(0)  # (T,) average precision of each tag in the last validation
        self._validation: list[tuple[Tensor, Tensor]] = []
        self._pace = Pace()

    def forward(self, inputs: Tensor) -> Tensor:
        return self._logits(self._embeddings(inputs))

    def _embeddings(self, inputs: Tensor) -> Tensor:
        """(B, K)"""
        features: Tensor = self.trunk(inputs)
        return features.mean(dim=(2, 3)) if features.ndim == 4 else features

    def _logits(self, embeddings: Tensor) -> Tensor:
        logits: Tensor = self.head(embeddings)
        return logits.float()

    def on_train_epoch_start(self) -> None:
        config, epoch = self.config, self.current_epoch
        if config.unfreeze_at and isinstance(self.trunk, Backbone):
            unfreeze(self.trunk, sum(epoch >= when for when in config.unfreeze_at))
        else:
            resting = epoch < config.frozen_epochs
            self.trunk.requires_grad_(not resting)
            self.trunk.train(not resting)
        self._pace = Pace()

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> Tensor:
        # Dropout draws from torch's global generator: seed it, so that its draws are a function of the step alone.
        torch.manual_seed(hash((self.config.seed, self.current_epoch, step, self.global_rank)) % 2**63)
        inputs, targets = batch
        self._pace.add(len(inputs) * self.trainer.world_size)
        if self.teacher is not None:
            targets = self.teacher(inputs, targets)
        embeddings = self._embeddings(inputs)
        logits = self._logits(embeddings)  # (B, T), or (M, B, T) of the members of a head
        loss = _share_of_known(targets) * self.loss(logits, targets.expand_as(logits))
        if self.held is not None:
            drift = self.held(inputs, embeddings)
            self.log("drift", drift, on_step=False, on_epoch=True, batch_size=len(inputs), sync_dist=True)
            loss = loss + self.config.distil.hold * drift
        if (loss.is_cpu or step % LOOK_EVERY == 0) and not torch.isfinite(loss):
            raise FloatingPointError(f"epoch {self.current_epoch + 1}, by step {step + 1}: the loss is {loss.item()}")
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(inputs), sync_dist=True)
        return loss

    def on_validation_start(self) -> None:
        self._pace.trained()

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        inputs, targets = batch
        self._validation.append((self(inputs), targets))

    def on_validation_epoch_end(self) -> None:
        batches = _of_all_processes(self._validation)
        logits = torch.cat([logits for logits, _ in batches]).to(self.device)
        targets = torch.cat([targets for _, targets in batches]).to(self.device)
        self._validation.clear()
        codes = torch.where(targets.isnan(), UNKNOWN, targets).byte().cpu().numpy()
        scores = logits.cpu().numpy().astype(np.float32)
        self.precisions = average_precision(scores, codes)
        values = {
            "val_loss": self.loss(logits, targets).item(),
            "val_map": mean_over_tags(self.precisions),
            "val_f1": highest_micro_f1(scores, codes),
        }
        self.log_dict({name: torch.tensor(value) for name, value in values.items()}, prog_bar=True, rank_zero_only=True)

    def on_train_epoch_end(self) -> None:
        metrics = self.trainer.callback_metrics
        figures = {name: metrics[name].item() for name in ("train_loss", "val_loss", "val_map", "val_f1")}
        pace = {"learning_rate": self._pace.rate, **self._pace.figures()}
        self.log_dict({name: torch.tensor(value) for name, value in pace.items()}, rank_zero_only=True)
        if self.config.schedule.kind == "plateau":
            plateau: Any = self.lr_schedulers()
            plateau.step(figures[self.config.monitor])
        epoch = Epoch(**figures, **pace)
        self.epochs.append(epoch)
        log.info("epoch %d of %d: %s", self.current_epoch + 1, self.config.epochs, epoch)

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Lightning steps a plateau after it has saved the epoch, so a resumed training would not know of it."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            super().lr_scheduler_step(scheduler, metric)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["epochs"] = [asdict(epoch) for epoch in self.epochs]
        figures = self.trainer.callback_metrics.items()
        checkpoint["logged"] = {name: float(value) for name, value in figures if not name.startswith("val_")}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.epochs = [Epoch(**figures) for figures in checkpoint["epochs"]]

    def configure_optimizers(self) -> Any:
        config = self.config
        head = self.head if self.held is None else nn.ModuleList([self.head, self.held])
        optimiser = create_optimiser(config, self.trunk, head)
        schedules: list[Any] = [{"scheduler": LambdaLR(optimiser, self._rate), "interval": "step"}]
        if config.schedule.kind == "plateau":
            plateau = ReduceLROnPlateau(
                optimiser,
                mode="min" if config.monitor == "val_loss" else "max",
                factor=config.schedule.factor,
                patience=config.schedule.patience,
            )
            schedules = [{"scheduler": plateau, "monitor": config.monitor, "interval": "epoch"}]
        return [optimiser], schedules

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Warm up the plateau schedule, which acts between epochs only, and note the learning rate of the step."""
        step, warmup = self.global_step, self._warmup_steps()
        if self.config.schedule.kind == "plateau" and step <= warmup:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * min(1.0, (step + 1) / max(warmup, 1))
        self._pace.rate = optimizer.param_groups[-1]["lr"]

    def _warmup_steps(self) -> int:
        steps = int(self.trainer.estimated_stepping_batches)
        return round(self.config.schedule.warmup_epochs * steps / self.config.epochs)

    def _rate(self, step: int) -> float:
        """Linear warm-up, then constant or half a cosine to zero, as a multiple of the configured rate."""
        steps, warmup = int(self.trainer.estimated_stepping_batches), self._warmup_steps()
        if step < warmup:
            return (step + 1) / warmup
        if self.config.schedule.kind != "cosine":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

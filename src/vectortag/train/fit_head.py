"""Train the head alone, on the embeddings of a frozen backbone: seconds instead of hours."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vectortag.errors import TrainingError
from vectortag.train.config import TrainConfig
from vectortag.train.losses import class_weights, masked_bce
from vectortag.train.network import create_head
from vectortag.types import ByteArray, FloatArray

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The losses of one epoch, both with the class weights."""

    train_loss: float
    validation_loss: float


@dataclass(frozen=True, slots=True)
class FittedHead:
    """The head of the best epoch by validation loss, and every epoch's losses; `best` counts from 0."""

    head: nn.Sequential
    epochs: tuple[Epoch, ...]
    best: int


def fit_head(
    config: TrainConfig,
    views: list[FloatArray],
    targets: ByteArray,
    validation_embeddings: FloatArray,
    validation_targets: ByteArray,
) -> FittedHead:
    """Train with Adam on masked, weighted BCE; each epoch draws one view of every photo.

    Args:
        views: (N, K) embeddings of the training photos, one array a view (plain, mirrored).
        targets: (N, T) uint8, 255 = unknown.
        validation_embeddings: (M, K) of the plain view.
        validation_targets: (M, T).

    Raises:
        TrainingError: the loss is no longer a number.
    """
    torch.manual_seed(config.seed)
    choices = torch.Generator().manual_seed(config.seed)
    inputs, truth = torch.from_numpy(np.stack(views)), torch.from_numpy(targets)  # (V, N, K), (N, T)
    probe, probe_truth = torch.from_numpy(validation_embeddings), torch.from_numpy(validation_targets)
    weights = class_weights(truth, config.max_positive_weight)
    head = create_head(config.head, inputs.shape[2], truth.shape[1])
    optimiser = torch.optim.Adam(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    epochs: list[Epoch] = []
    best, best_state = 0, copy.deepcopy(head.state_dict())
    for number in range(config.epochs):
        view = torch.randint(len(views), (len(truth),), generator=choices)
        train_loss = _epoch(head, optimiser, inputs, view, truth, weights, choices, config.batch_size)
        validation_loss = _loss(head, probe, probe_truth, weights)
        epochs.append(Epoch(train_loss, validation_loss))
        log.info("epoch %d: train %.4f, validation %.4f", number + 1, train_loss, validation_loss)
        if not np.isfinite(train_loss + validation_loss):
            losses = f"the loss is {train_loss:.4g}, on validation {validation_loss:.4g}"
            raise TrainingError(f"epoch {number + 1}: {losses}. Lower learning_rate")
        if validation_loss <= min(epoch.validation_loss for epoch in epochs):
            best, best_state = number, copy.deepcopy(head.state_dict())
    head.load_state_dict(best_state)
    return FittedHead(head.eval(), tuple(epochs), best)


def _epoch(
    head: nn.Sequential,
    optimiser: torch.optim.Optimizer,
    inputs: Tensor,
    view: Tensor,
    truth: Tensor,
    weights: Tensor,
    choices: torch.Generator,
    batch_size: int,
) -> float:
    head.train()
    total = 0.0
    for rows in torch.split(torch.randperm(len(truth), generator=choices), batch_size):
        loss = masked_bce(head(inputs[view[rows], rows]), truth[rows], weights)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(truth)


@torch.inference_mode()
def _loss(head: nn.Sequential, embeddings: Tensor, targets: Tensor, weights: Tensor) -> float:
    head.eval()
    return masked_bce(head(embeddings), targets, weights).item()

"""Losses for targets in which some entries are unknown.

All take logits (N, T) and targets (N, T) float32 in [0, 1] with NaN for "unknown" (targets are fractions after mixup),
and return a scalar: the mean over the known entries, 0 where nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from timm.loss import AsymmetricLossMultiLabel
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vectortag.assembly.mlp import class_weights, log_odds
from vectortag.core.types import UNKNOWN
from vectortag.train.sections import LossConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def to_float(targets: Tensor) -> Tensor:
    """(N, T) uint8 with 255 = unknown -> float32 with NaN."""
    return torch.where(targets == UNKNOWN, torch.nan, targets.float())


def create_loss(config: LossConfig, training_targets: Tensor) -> Loss:
    """The loss that a configuration names; what it knows of each tag comes from the (N, T) uint8 training targets."""
    if config.kind == "bce":
        return lambda logits, targets: masked_bce(logits, targets)
    if config.kind == "weighted_bce":
        weights = torch.from_numpy(class_weights(training_targets.numpy(), config.max_positive_weight))
        return lambda logits, targets: masked_bce(logits, targets, weights)
    if config.kind == "adjusted_bce":
        offsets = config.adjustment * torch.from_numpy(log_odds(training_targets.numpy()))
        return lambda logits, targets: adjusted_bce(logits, targets, offsets)
    if config.kind == "focal":
        return lambda logits, targets: masked_focal(logits, targets, alpha=config.alpha, gamma=config.gamma)
    asymmetric = AsymmetricLossMultiLabel(config.gamma_negative, config.gamma_positive, config.clip, reduction="none")
    return lambda logits, targets: masked_asymmetric(logits, targets, asymmetric)


def masked_bce(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy; `weights` (T,) multiplies the loss of each tag's positives."""
    known, truth = _split(targets)
    positive = None if weights is None else weights.to(logits.device)
    loss = binary_cross_entropy_with_logits(logits, truth, pos_weight=positive, reduction="none")
    return _mean(loss, known)


def adjusted_bce(logits: Tensor, targets: Tensor, offsets: Tensor) -> Tensor:
    """Binary cross-entropy of `logits + offsets`, (T,): logit adjustment (Menon et al. 2021, arXiv:2007.07314)."""
    return masked_bce(logits + offsets.to(logits.device), targets)


def masked_focal(logits: Tensor, targets: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """Focal loss: alpha_t * (1 - p_t)^gamma * BCE (Lin et al. 2017, arXiv:1708.02002)."""
    known, truth = _split(targets)
    loss = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    scores = logits.sigmoid()
    wrongness = truth * (1 - scores) + (1 - truth) * scores  # 1 - p_t
    balance = truth * alpha + (1 - truth) * (1 - alpha)
    focus = wrongness.clamp(min=1e-8) ** gamma  # below 1, gamma has an infinite gradient at 0
    return _mean(balance * focus * loss, known)


def masked_asymmetric(logits: Tensor, targets: Tensor, loss: AsymmetricLossMultiLabel) -> Tensor:
    """Asymmetric loss (Ridnik et al. 2021, arXiv:2009.14119); `loss` is timm's, with reduction "none"."""
    known, truth = _split(targets)
    return _mean(loss(logits, truth), known)


def _split(targets: Tensor) -> tuple[Tensor, Tensor]:
    known = ~targets.isnan()
    return known, targets.nan_to_num(0.0)


def _mean(loss: Tensor, known: Tensor) -> Tensor:
    return torch.where(known, loss, 0.0).sum() / known.sum().clamp(min=1)

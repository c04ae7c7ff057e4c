"""Losses for targets in which some entries are unknown."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vectortag.types import UNKNOWN


def class_weights(targets: Tensor, max_weight: float) -> Tensor:
    """How much a positive of each tag weighs: N_neg / N_pos of the known entries, clamped to [1, max_weight].

    Args:
        targets: (N, T) uint8, 255 = unknown.

    Returns:
        (T,) float32. A tag without positives has max_weight, one without negatives 1.
    """
    positives = (targets == 1).sum(dim=0)
    negatives = (targets == 0).sum(dim=0)
    return (negatives / positives.clamp(min=1)).clamp(1, max_weight).float()


def masked_bce(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy over the known entries, positives weighted per tag.

    Args:
        logits: (N, T) float32.
        targets: (N, T) uint8, 255 = unknown.
        weights: (T,) float32 weight of each tag's positives, or None.

    Returns:
        A scalar: the mean over the known entries; 0 where nothing is known.
    """
    known = targets != UNKNOWN
    truth = torch.where(known, targets, 0).float()
    loss = binary_cross_entropy_with_logits(logits, truth, pos_weight=weights, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)

"""Heads in torch: embeddings (B, K) -> logits (B, T)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from vectortag.model.blocks import LinearBlock, MlpBlock
from vectortag.train.config import HeadConfig


class Ensemble(nn.Module):
    """Several heads, whose mean logits are those of one wide head: that is what is written.

    Each member has weights and dropout of its own, and learns by itself: in training the logits are (M, B, T), and the
    loss is the mean over the members (Lakshminarayanan et al. 2017, arXiv:1612.01474).
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, embeddings: Tensor) -> Tensor:
        logits = torch.stack([member(embeddings) for member in self.members])  # (M, B, T)
        return logits if self.training else logits.mean(dim=0)


def create_head(config: HeadConfig, width: int, tag_count: int, *, seed: int) -> nn.Module:
    """Untrained: Linear -> ReLU -> Dropout -> Linear, of each member.

    With `hidden = 0`, Dropout -> Linear; perhaps a norm and dropout before.
    """
    torch.manual_seed(seed)
    members = [_create_member(config, width, tag_count) for _ in range(config.members)]
    return members[0] if len(members) == 1 else Ensemble(members)


def _create_member(config: HeadConfig, width: int, tag_count: int) -> nn.Sequential:
    before: list[nn.Module] = [nn.BatchNorm1d(width, affine=False)] if config.standardise else []
    if config.input_dropout:
        before.append(nn.Dropout(config.input_dropout))
    if config.hidden == 0:
        return nn.Sequential(*before, nn.Dropout(config.dropout), nn.Linear(width, tag_count))
    return nn.Sequential(
        *before,
        nn.Linear(width, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, tag_count),
    )


def to_block(head: nn.Module) -> MlpBlock | LinearBlock:
    """The trained head as numpy matrices; a norm before it becomes part of its first layer."""
    if not isinstance(head, Ensemble):
        return _to_block(head)
    blocks = [_to_block(member) for member in head.members]
    wide = [block for block in blocks if isinstance(block, MlpBlock)]
    if len(wide) < len(blocks):
        raise TypeError("members of a head need a hidden layer")
    return MlpBlock(
        np.concatenate([block.w1 for block in wide]),  # (M * H, K)
        np.concatenate([block.b1 for block in wide]),
        np.concatenate([block.w2 / np.float32(len(wide)) for block in wide], axis=1),  # (T, M * H)
        np.mean([block.b2 for block in wide], axis=0, dtype=np.float32),
    )


def _to_block(head: nn.Module) -> MlpBlock | LinearBlock:
    parts = list(head.children())
    layers = [layer for layer in parts if isinstance(layer, nn.Linear)]
    arrays = [array.detach().cpu().double() for layer in layers for array in (layer.weight, layer.bias)]
    norm = parts[0]
    if isinstance(norm, nn.BatchNorm1d) and norm.running_mean is not None and norm.running_var is not None:
        arrays[0] = arrays[0] / (norm.running_var.cpu().double() + norm.eps).sqrt()
        arrays[1] = arrays[1] - arrays[0] @ norm.running_mean.cpu().double()
    stored = [array.float().numpy() for array in arrays]
    return MlpBlock(*stored) if len(layers) == 2 else LinearBlock(*stored)

"""The optimiser, and which learning rate each layer has."""

from __future__ import annotations

from typing import Any

import torch
from timm.models import group_parameters
from torch import nn

from vectortag.train.backbone import Backbone
from vectortag.train.config import TrainConfig

Group = dict[str, Any]
"""Parameters with their learning rate: `lr`, which a schedule changes, and `full_lr`, which it goes up to."""


def create_optimiser(config: TrainConfig, trunk: nn.Module, head: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a configuration, over `parameter_groups`."""
    groups, decay = parameter_groups(config, trunk, head), config.weight_decay
    if config.optimiser == "sgd":
        nesterov = config.momentum > 0
        return torch.optim.SGD(groups, momentum=config.momentum, nesterov=nesterov, weight_decay=decay)
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, weight_decay=decay)


def parameter_groups(config: TrainConfig, trunk: nn.Module, head: nn.Module) -> list[Group]:
    """The trained parameters by their learning rates: the layers of the backbone from the first on, then the head."""
    rate = config.learning_rate * config.backbone_rate
    layers = _layers(trunk) if config.layer_decay < 1 else [[*trunk.parameters()]]
    depths = range(len(layers), 0, -1)
    rates = [rate * config.layer_decay**depth for depth in depths]  # 1 for the head
    parts = [*zip(layers, rates, strict=True), ([*head.parameters()], config.learning_rate)]
    groups = [{"params": [one for one in part if one.requires_grad], "lr": lr, "full_lr": lr} for part, lr in parts]
    return [group for group in groups if group["params"]]


def _layers(trunk: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each of timm's layers, from the stem on."""
    body: Any = trunk.body if isinstance(trunk, Backbone) else trunk
    names = group_parameters(body, body.group_matcher(coarse=False))
    parameters = dict(body.named_parameters())
    return [[parameters[name] for name in names[layer]] for layer in sorted(names)]

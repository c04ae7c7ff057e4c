"""The optimiser that a configuration asks for, with the learning rates that its layers have."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from vectortag.train.config import DataConfig, TrainConfig

RATE = 1e-3


def configured(**changes: Any) -> TrainConfig:
    data = (DataConfig(name="photos", csv="photos/metadata.csv"),)
    return TrainConfig(name="mine", data=data, learning_rate=RATE, **changes)


@pytest.fixture
def parts(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[[str], tuple[Any, Any]]:
    """parts("test_resnet"): a backbone and a head, both untrained."""

    def create(architecture: str) -> tuple[Any, Any]:
        body = need_module("timm").create_model(architecture, num_classes=0)
        backbone = need_module("vectortag.train.backbone").Backbone(body, (0.5,) * 3, (0.5,) * 3)
        return backbone, torch.nn.Linear(backbone.width, 3)

    return create


@pytest.fixture
def optimiser(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """optimiser(config, backbone, head)"""
    create: Callable[..., Any] = need_module("vectortag.train.optimiser").create_optimiser
    return create


def rates_of(optimiser: Any) -> dict[int, float]:
    """The learning rate of each parameter, by its id."""
    return {id(one): group["lr"] for group in optimiser.param_groups for one in group["params"]}


@pytest.mark.parametrize("architecture", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit"])
def test_layers_have_the_learning_rates_of_timm_below_that_of_the_head(parts, optimiser, need_module, architecture):
    backbone, head = parts(architecture)
    timms = need_module("timm.optim").param_groups_layer_decay(backbone.body, layer_decay=0.7)

    rates = rates_of(optimiser(configured(layer_decay=0.7, backbone_rate=0.5), backbone, head))

    expected = {id(one): 0.5 * RATE * 0.7 * group["lr_scale"] for group in timms for one in group["params"]}
    expected |= {id(one): RATE for one in head.parameters()}
    assert rates == pytest.approx(expected)
    assert len(set(rates.values())) > 4


def test_without_a_decay_the_backbone_has_one_learning_rate(parts, optimiser):
    backbone, head = parts("test_resnet")

    made = optimiser(configured(backbone_rate=0.1), backbone, head)

    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.1 * RATE, RATE])
    assert sum(len(group["params"]) for group in made.param_groups) == len([*backbone.parameters(), *head.parameters()])


def test_a_backbone_that_rests_is_left_to_the_head(torch, optimiser):
    head = torch.nn.Linear(4, 3)

    made = optimiser(configured(freeze="backbone"), torch.nn.Identity(), head)

    assert [group["params"] for group in made.param_groups] == [[*head.parameters()]]


def test_sgd_goes_down_with_nesterovs_momentum(torch, optimiser):
    head = torch.nn.Linear(1, 1, bias=False)
    made = optimiser(
        configured(freeze="backbone", optimiser="sgd", momentum=0.8, weight_decay=0.0), torch.nn.Identity(), head
    )

    weight, velocity = float(head.weight.detach()), 0.0
    for gradient in (1.0, -2.0, 0.5):
        head.weight.grad = torch.full((1, 1), gradient)
        made.step()
        velocity = 0.8 * velocity + gradient
        weight -= RATE * (gradient + 0.8 * velocity)
        assert float(head.weight.detach()) == pytest.approx(weight)


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD")])
def test_the_optimiser_is_torchs_own(torch, optimiser, name, kind):
    made = optimiser(configured(optimiser=name, momentum=0.0), torch.nn.Identity(), torch.nn.Linear(2, 2))

    assert type(made) is getattr(torch.optim, kind)

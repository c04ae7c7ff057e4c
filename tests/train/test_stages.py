"""A backbone cut in two is the same backbone, on the smallest networks of timm with random weights."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from vectortag.core.errors import ConfigError

CONVOLUTIONAL = (
    *("test_resnet", "resnet10t", "test_efficientnet", "mobilenetv2_035", "test_convnext"),
    *("mobilenetv3_small_050", "hgnetv2_b0"),
)
SWIN = "swin_tiny_patch4_window7_224"
FAMILIES = (*CONVOLUTIONAL, "test_vit", SWIN)
OPTIONS: dict[str, dict[str, Any]] = {
    "test_vit": {"img_size": 64},
    "eva02_tiny_patch14_224": {"img_size": 56, "global_pool": ""},
    "test_convnext": {"head_norm_first": True},
    SWIN: {"img_size": 64, "window_size": 4, "embed_dim": 8, "depths": (1, 1, 2, 1), "num_heads": (1, 2, 4, 8)},
}


@pytest.fixture
def backbone(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[[str], Any]:
    """backbone("test_resnet"): with random weights, for evaluation."""
    timm = need_module("timm")
    module = need_module("vectortag.train.backbone")

    def create(architecture: str) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            body = timm.create_model(architecture, pretrained=False, num_classes=0, **OPTIONS.get(architecture, {}))
        made = module.Backbone(body, (0.48, 0.45, 0.4), (0.23, 0.22, 0.21))
        if architecture not in OPTIONS:
            module.trim(made, 64)
        return made.eval()

    return create


@pytest.fixture
def cut(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.stages").cut


@pytest.fixture
def images(torch: Any) -> Any:
    """(2, 64, 64, 3) random pixels."""
    return torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def names(part: Any, whole: Any) -> set[str]:
    """What the parameters of a part are called in the whole."""
    own = {id(parameter) for parameter in part.parameters()}
    return {name for name, parameter in whole.named_parameters() if id(parameter) in own}


@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("trained", [1, 3])
def test_the_two_parts_together_are_the_backbone(backbone, cut, images, torch, architecture, trained):
    whole = backbone(architecture)
    lower, upper = cut(whole, trained)

    with torch.inference_mode():
        expected, actual = whole(images), upper(lower(images))

    assert expected.std() > 0
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", CONVOLUTIONAL)
def test_each_weight_of_the_backbone_is_in_one_of_the_parts(backbone, cut, architecture):
    whole = backbone(architecture)
    lower, upper = cut(whole, 1)

    below, above = names(lower.layers, whole), names(upper, whole)

    assert below
    assert above
    assert not below & above
    assert below | above == {name for name, _ in whole.named_parameters()}


def test_the_upper_part_has_as_many_stages_as_are_trained(backbone, cut):
    whole = backbone("test_resnet")

    stages = [{name.split(".")[1] for name in names(cut(whole, trained)[1], whole)} for trained in (1, 2, 3)]

    assert stages == [{"layer4"}, {"layer3", "layer4"}, {"layer2", "layer3", "layer4"}]


def test_of_a_transformer_the_last_blocks_and_the_norm_are_trained(backbone, cut):
    whole = backbone("test_vit")

    trained = {".".join(name.split(".")[1:3]) for name in names(cut(whole, 2)[1], whole)}

    assert trained == {"blocks.4", "blocks.5", "norm.weight", "norm.bias"}


@pytest.mark.parametrize("architecture", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit"])
def test_training_the_upper_part_trains_the_backbone(backbone, cut, images, torch, architecture):
    whole = backbone(architecture)
    lower, upper = cut(whole, 1)
    with torch.no_grad():
        before = whole(images)
        for parameter in upper.parameters():
            parameter.mul_(0.5)

        after = whole(images)
        assert not after.equal(before)
        torch.testing.assert_close(after, upper(lower(images)), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("architecture", "family"), [("test_byobnet", "ByobNet"), ("test_mambaout", "MambaOut")])
def test_another_family_is_refused_by_name(backbone, cut, architecture, family):
    with pytest.raises(
        ConfigError, match=rf'the stages of a {family} are not known\. Use freeze = "backbone", or "none" without'
    ):
        cut(backbone(architecture), 1)


def test_eva_can_be_unfrozen_but_not_cut(backbone, cut, stages):
    whole = backbone("eva02_tiny_patch14_224")

    stages.unfreeze(whole, 1)

    learning = {
        ".".join(name.split(".")[1:3]) for name, parameter in whole.named_parameters() if parameter.requires_grad
    }
    assert learning == {"blocks.11", "norm.weight", "norm.bias"}
    with pytest.raises(ConfigError, match=r'freeze = "stages": the blocks of EVA need positions'):
        cut(whole, 1)


@pytest.mark.parametrize(("architecture", "stages"), [("test_resnet", 4), ("test_efficientnet", 5)])
def test_something_must_stay_frozen(backbone, cut, architecture, stages):
    whole = backbone(architecture)

    for trained in (stages, stages + 1):
        message = rf"backbone\.trained_stages: {trained}, but the network has {stages} stages"
        with pytest.raises(ConfigError, match=message):
            cut(whole, trained)
    assert len(cut(whole, stages - 1)) == 2


@pytest.fixture
def stages(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.stages")


class TestUnfreezing:
    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            (0, set()),
            (1, {"layer4"}),
            (2, {"layer3", "layer4"}),
            (4, {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4"}),
        ],
    )
    def test_the_last_stages_learn(self, backbone, stages, count, expected):
        whole = backbone("test_resnet").train()

        stages.unfreeze(whole, count)

        learning = {name.split(".")[1] for name, parameter in whole.named_parameters() if parameter.requires_grad}
        assert learning == expected

    def test_norms_that_rest_keep_their_statistics(self, backbone, stages, images, torch):
        whole = backbone("test_resnet").train()
        stages.unfreeze(whole, 1)
        before = {name: value.clone() for name, value in whole.named_buffers() if "running" in name}

        whole(images)

        moved = {
            name.split(".")[1]
            for name, value in whole.named_buffers()
            if name in before and not value.equal(before[name])
        }
        assert moved == {"layer4"}

    @pytest.mark.parametrize("architecture", FAMILIES)
    def test_at_the_end_everything_learns(self, backbone, stages, architecture):
        whole = backbone(architecture)
        count = len(stages._parts(whole.body)[1])

        for unfrozen in range(count):
            stages.unfreeze(whole, unfrozen)
            assert not all(parameter.requires_grad for parameter in whole.parameters())
        stages.unfreeze(whole, count)

        assert all(parameter.requires_grad for parameter in whole.parameters())
        assert all(module.training for module in whole.modules())

    def test_what_comes_after_the_last_stage_learns_with_it(self, backbone, stages):
        whole = backbone("test_efficientnet")

        stages.unfreeze(whole, 1)

        learning = {name.split(".")[1] for name, parameter in whole.named_parameters() if parameter.requires_grad}
        assert learning == {"blocks", "conv_head", "bn2"}

    def test_there_must_be_as_many_stages(self, backbone, stages):
        with pytest.raises(ConfigError, match=r"unfreeze_at: 5 numbers, but the network has 4 stages"):
            stages.check_stages(backbone("test_resnet"), 5)

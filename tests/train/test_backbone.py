"""A feature map from each family: its mean is the embedding, and the heat maps are the Grad-CAM of autograd."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError
from vectortag.model.head import Head
from vectortag.train.config import BackboneConfig, HeadConfig

SIZE = 64
STATS = (0.48, 0.45, 0.4), (0.23, 0.22, 0.21)
ADAPTED = ["swin", "eva", "mobilenetv3_small_050", "mobilenetv4_conv_small_035", "hgnetv2_b0"]


@pytest.fixture
def module(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.backbone")


@pytest.fixture
def body(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[[str], Any]:
    """body("swin"): an untrained network for images of 64 pixels; a small one of the family, or the one of timm."""
    timm = need_module("timm")
    small: dict[str, Callable[[], Any]] = {
        "swin": lambda: timm.models.SwinTransformer(
            img_size=SIZE, window_size=4, embed_dim=8, depths=(1, 2), num_heads=(1, 2), num_classes=0
        ),
        "eva": lambda: timm.models.Eva(
            img_size=SIZE, patch_size=16, embed_dim=24, depth=2, num_heads=2, num_classes=0, global_pool="",
            use_rot_pos_emb=True, num_reg_tokens=2,
        ),
    }  # fmt: skip

    def create(name: str) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return small[name]() if name in small else timm.create_model(name, num_classes=0)

    return create


@pytest.fixture
def backbone(module: Any, body: Callable[[str], Any]) -> Callable[[str], Any]:
    """backbone("swin"): the same as a backbone, without the layers that have no part in its map."""

    def create(name: str) -> Any:
        made = module.Backbone(body(name), *STATS)
        module.check_feature_map(made, BackboneConfig(architecture=name, image_size=SIZE))
        module.trim(made, SIZE)
        return made.eval()

    return create


@pytest.fixture
def images(torch: Any) -> Any:
    """(2, 64, 64, 3) random pixels."""
    return torch.randint(0, 256, (2, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ADAPTED)
def test_heat_maps_are_the_grad_cam_of_autograd(torch, need_module, backbone, images, name):
    heads = need_module("vectortag.train.heads")
    made = backbone(name)
    head = heads.create_head(HeadConfig(hidden=8), made.width, 3, seed=3).eval()

    cells = made(images)
    assert cells.shape == (2, made.width, SIZE // made.stride, SIZE // made.stride)
    logits = head(cells.mean(dim=(2, 3)))
    ours = [Head((heads.to_block(head),)).maps(one, range(3)) for one in cells.detach().numpy()]

    for tag in range(3):
        (gradients,) = torch.autograd.grad(logits[:, tag].sum(), cells, retain_graph=True)
        raw = torch.relu((gradients.mean(dim=(2, 3), keepdim=True) * cells).sum(dim=1))
        raw = raw - raw.amin(dim=(1, 2), keepdim=True)
        expected = (raw / raw.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)).detach().numpy()
        np.testing.assert_allclose([maps[tag] for maps in ours], expected, atol=1e-3)


@pytest.mark.parametrize("name", ADAPTED)
def test_each_parameter_that_is_left_learns(torch, backbone, images, name):
    made = backbone(name)
    made(images).square().sum().backward()

    unused = [called for called, parameter in made.named_parameters() if parameter.grad is None]
    assert unused in ([], ["body.mask_token"])


def test_the_cells_of_swin_are_those_of_timm_with_the_channels_in_front(torch, backbone, images):
    made = backbone("swin")

    with torch.inference_mode():
        cells, expected = made(images), made.body.forward_features(made.normalise(images))

    assert expected.shape == (2, 8, 8, 16)
    assert cells[1, :, 3, 5].equal(expected[1, 3, 5])


def test_the_cells_of_eva_are_its_patches_without_its_class_and_register_tokens(torch, backbone, images):
    made = backbone("eva")

    with torch.inference_mode():
        cells, tokens = made(images), made.body.forward_features(made.normalise(images))

    assert tokens.shape == (2, 3 + 16, 24)
    assert cells[1, :, 2, 3].equal(tokens[1, 3 + 2 * 4 + 3])


@pytest.mark.parametrize(
    ("name", "fits"), [("test_resnet", True), ("swin", True), ("mobilenetv3_small_050", False), ("hgnetv2_b0", False)]
)
def test_timms_classifier_fits_where_it_takes_the_mean_of_the_map(backbone, name, fits):
    assert backbone(name).feeds_timms_classifier is fits


def test_layers_after_the_mean_are_left_out(body, backbone, images, torch):
    whole, trimmed = body("mobilenetv3_small_050"), backbone("mobilenetv3_small_050")

    left_out = {name.split(".")[0] for name, _ in whole.named_parameters()}
    left_out -= {name.split(".")[0] for name, _ in trimmed.body.named_parameters()}
    assert left_out == {"conv_head"}
    with torch.inference_mode():
        pixels = trimmed.normalise(images)
        assert trimmed(images).equal(whole.eval().forward_features(pixels))


@pytest.mark.parametrize(
    ("name", "fixed"),
    [("test_resnet", False), ("mobilenetv4_conv_small_035", False), ("swin", True), ("eva", True)],
)
def test_attention_is_for_one_image_size(backbone, module, name, fixed):
    made = backbone(name)

    assert made.takes_any_size is not fixed
    sizes = BackboneConfig(architecture=name, image_size=SIZE, sizes=(96,))
    if fixed:
        with pytest.raises(ConfigError, match=rf"backbone\.sizes: {name} takes one size only, image_size"):
            module.check_feature_map(made, sizes)
    else:
        module.check_feature_map(made, sizes)


class TestRefused:
    """What makes no feature map, by its name."""

    @pytest.fixture
    def check(self, module: Any) -> Callable[..., None]:
        """check(output): what a network that gives this for an image is told."""

        def call(output: Any, width: int = 8) -> None:
            import torch

            class Odd(torch.nn.Module):
                num_features = width

                def forward_features(self, images: Any) -> Any:
                    return output

            module.check_feature_map(
                module.Backbone(Odd(), *STATS), BackboneConfig(architecture="odd", image_size=SIZE)
            )

        return call

    @pytest.mark.parametrize(
        ("shape", "problem"),
        [
            ((1, 50, 8), r"has no feature map: it gives \(50, 8\) for an image"),
            ((1, 8), r"has no feature map: it gives \(8,\) for an image"),
            ((1, 4, 4, 8), r"has 8 channels by its own account, but gives \(4, 4, 8\)"),
        ],
    )
    def test_another_shape(self, torch, check, shape, problem):
        with pytest.raises(
            ConfigError, match=rf"backbone\.architecture: odd {problem}.*Choose another, such as resnet18"
        ):
            check(torch.zeros(shape))

    def test_several_tensors(self, torch, check):
        with pytest.raises(ConfigError, match="odd gives 2 tensors in the place of one feature map"):
            check((torch.zeros(1, 8), torch.zeros(1, 8)))

    def test_a_number_of_tokens_that_is_no_grid(self, module, body):
        made = module.Backbone(body("eva"), *STATS)
        made.to_map.grid = (3, 5)

        with pytest.raises(ConfigError, match=r"gives \(19, 24\) in the place of 3 \+ 3 x 5 tokens"):
            module.check_feature_map(made, BackboneConfig(architecture="eva", image_size=SIZE))

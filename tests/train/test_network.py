"""The network in torch: whatever the family, the heat maps in closed form are the Grad-CAM of autograd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError
from vectortag.model.head import Head
from vectortag.train.config import BackboneConfig, HeadConfig

SIZE, TAGS = 96, 5


@pytest.fixture
def start(torch: Any, need_module: Callable[[str], ModuleType], tmp_path: Path) -> Callable[[str], BackboneConfig]:
    """start("test_resnet"): a backbone with random weights, the same each time."""

    def save(architecture: str) -> BackboneConfig:
        from safetensors.torch import save_file

        file = tmp_path / "weights.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(3)
            save_file(need_module("timm").create_model(architecture).state_dict(), file)
        return BackboneConfig(architecture=architecture, init=str(file), image_size=SIZE)

    return save


@pytest.fixture
def network(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.network")


@pytest.fixture
def heads(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.heads")


@pytest.fixture
def images(torch: Any) -> Any:
    """(2, 96, 96, 3) of random pixels."""
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8))


@pytest.mark.parametrize("architecture", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit", "test_vit2"])
def test_heat_maps_are_the_grad_cam_of_autograd(torch, network, heads, start, images, architecture):
    with torch.random.fork_rng():
        backbone = network.create_backbone(start(architecture)).eval()
        head = heads.create_head(HeadConfig(), backbone.width, TAGS, seed=3).eval()

    cells = backbone(images)  # (N, K, h, w)
    logits = head(cells.mean(dim=(2, 3)))
    expected = []
    for tag in range(TAGS):
        (gradients,) = torch.autograd.grad(logits[:, tag].sum(), cells, retain_graph=True)
        raw = torch.relu((gradients.mean(dim=(2, 3), keepdim=True) * cells).sum(dim=1))
        raw = raw - raw.amin(dim=(1, 2), keepdim=True)
        expected.append(raw / raw.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12))

    ours = Head((heads.to_block(head),))
    maps = [ours.maps(one, range(TAGS)) for one in cells.detach().numpy()]
    assert np.any(maps)
    np.testing.assert_allclose(maps, torch.stack(expected, dim=1).detach().numpy(), atol=1e-3)


def test_the_classifier_that_came_with_a_backbone_gives_the_logits_of_the_whole_network(
    torch, network, start, images, need_module
):
    from safetensors.torch import load_file

    config = start("test_resnet")
    whole = need_module("timm").create_model("test_resnet").eval()
    whole.load_state_dict(load_file(config.init))
    backbone = network.create_backbone(config).eval()

    classifier = network.pretrained_classifier(config, backbone)

    with torch.inference_mode():
        expected = whole(backbone.normalise(images)).numpy()
        embeddings = backbone(images).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(classifier.logits(embeddings), expected, atol=1e-4)
    assert classifier.names[207] == "golden retriever"
    assert len(set(classifier.names)) == 1000


@pytest.mark.parametrize("architecture", ["test_convnext", "test_vit"])
def test_a_classifier_that_does_not_take_the_mean_of_the_feature_map_is_left(network, start, architecture):
    config = start(architecture)

    assert network.pretrained_classifier(config, network.create_backbone(config)) is None


@pytest.mark.parametrize("architecture", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit"])
def test_saved_weights_are_a_start_that_gives_the_same_features(torch, network, start, images, tmp_path, architecture):
    first = start(architecture)
    again = first.model_copy(update={"init": str(tmp_path / "again.safetensors")})
    backbone = network.create_backbone(first).eval()

    network.save_weights(backbone, None, Path(again.init))

    with torch.inference_mode():
        torch.testing.assert_close(network.create_backbone(again).eval()(images), backbone(images))


class TestSeveralStarts:
    """`backbone.init` as a list."""

    @pytest.fixture
    def two(self, torch: Any, network: Any, start: Callable[[str], BackboneConfig], tmp_path: Path):
        """A configuration that starts from two networks, and the weights of both."""
        from safetensors.torch import load_file, save_file

        config = start("test_resnet")
        weights = load_file(config.init)
        other = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
        save_file(other, tmp_path / "other.safetensors")
        return config.model_copy(update={"init": (config.init, str(tmp_path / "other.safetensors"))}), weights

    def test_the_backbone_and_its_classifier_have_the_mean_of_their_weights(self, torch, network, two):
        config, weights = two

        backbone = network.create_backbone(config)

        for name, tensor in backbone.body.state_dict().items():
            if tensor.is_floating_point():
                torch.testing.assert_close(tensor, weights[name] + 0.5)
        classifier = network.pretrained_classifier(config, backbone)
        np.testing.assert_allclose(classifier.b, weights["fc.bias"].numpy() + 0.5, atol=1e-6)

    def test_those_of_different_networks_are_refused(self, torch, network, two, tmp_path):
        from safetensors.torch import load_file, save_file

        config, _ = two
        weights = load_file(config.init[1])
        save_file({**weights, "conv1.0.weight": torch.zeros(1)}, config.init[1])

        with pytest.raises(ConfigError, match=r"backbone.init: .*other.safetensors are of different networks"):
            network.create_backbone(config)

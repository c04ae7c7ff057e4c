"""A finished model as the start of a training: what it computes, it still computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError
from vectortag.model.registry import find_model_folder
from vectortag.train.config import BackboneConfig

SIZE = 64


@pytest.fixture
def network(torch: Any, need_module: Any) -> Any:
    need_module("timm")
    return need_module("vectortag.train.network")


def start(**changes: Any) -> BackboneConfig:
    return BackboneConfig(**{"architecture": "tf_efficientnet_lite0", "init": "lite0", "image_size": SIZE, **changes})


def test_training_a_shipped_model_begins_with_what_it_computes(network, need_module, torch):
    restore = need_module("vectortag.train.restore")
    photos = np.random.default_rng(0).integers(0, 256, (16, 9, 9, 3), np.uint8).repeat(8, 1).repeat(8, 2)

    backbone = network.create_backbone(start())  # compared with the ONNX network by itself
    restore.measure_norms(backbone, photos, SIZE)

    restore.check_parity(backbone, find_model_folder("lite0"))
    middle = torch.from_numpy(np.ascontiguousarray(photos[:, 4:68, 4:68]))
    with torch.no_grad():
        evaluated, trained = backbone.eval()(middle), backbone.train()(middle)
    torch.testing.assert_close(trained, evaluated, rtol=0, atol=1e-3 * evaluated.abs().max().item())
    classifier = network.pretrained_classifier(start(), backbone)
    np.testing.assert_array_equal(classifier.w, find_model_folder("lite0").classifier.w)


def test_a_network_that_computes_something_else_is_refused(network, need_module, torch):
    backbone = network.create_backbone(start())
    with torch.no_grad():
        backbone.body.bn2.bias.add_(1)

    with pytest.raises(ConfigError, match=r"the network of lite0@\w+, read back into timm's, differs from itself"):
        need_module("vectortag.train.restore").check_parity(backbone, find_model_folder("lite0"))


def test_the_mean_of_a_model_and_its_own_weights_computes_what_the_model_does(network, need_module, torch, tmp_path):
    backbone = network.create_backbone(start())
    need_module("vectortag.train.restore").measure_norms(
        backbone, np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8), SIZE
    )  # now its norms do something, and it still computes the same
    file = tmp_path / "weights.safetensors"
    network.save_weights(backbone, network.pretrained_classifier(start(), backbone), file)

    mean = network.create_backbone(start(init=("lite0", str(file), str(file))))

    image = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8))
    with torch.no_grad():
        expected, computed = backbone.eval()(image), mean.eval()(image)
    torch.testing.assert_close(computed, expected, rtol=0, atol=1e-3 * expected.abs().max().item())


def test_a_mean_lies_between_a_model_and_other_weights(network, torch, tmp_path):
    backbone = network.create_backbone(start())
    file = tmp_path / "weights.safetensors"
    with torch.no_grad():
        backbone.body.bn2.bias.add_(3)
    network.save_weights(backbone, None, file)

    mean = network.create_backbone(start(init=("lite0", str(file), str(file))))

    ours, theirs = network.create_backbone(start()).body.bn2.bias, backbone.body.bn2.bias
    torch.testing.assert_close(mean.body.bn2.bias, (ours + 2 * theirs) / 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "resnet18"}, 'is a tf_efficientnet_lite0, not a resnet18. Set backbone.architecture = "tf'),
        ({"init": "lite7"}, "backbone.init: neither a safetensors file nor a model: "),
    ],
)
def test_a_start_that_cannot_be_is_one_line(network, changes, told):
    with pytest.raises(ConfigError) as caught:
        network.create_backbone(start(**changes))

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)

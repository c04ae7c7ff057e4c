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


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "resnet18"}, 'is a tf_efficientnet_lite0, not a resnet18. Set backbone.architecture = "tf'),
        ({"init": ("lite0", "pretrained")}, "lite0 is a finished model, whose weights cannot be averaged"),
        ({"init": "lite7"}, "backbone.init: neither a safetensors file nor a model: "),
    ],
)
def test_a_start_that_cannot_be_is_one_line(network, changes, told):
    with pytest.raises(ConfigError) as caught:
        network.create_backbone(start(**changes))

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)

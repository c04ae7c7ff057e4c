"""A finished model as the start of a training: its ONNX network back into timm's arrays.

The exporter merges each batch norm into the convolution before it. Here the convolution gets the merged weights, and
its norm adds the merged bias and changes nothing else. `measure_norms` then gives the norms the statistics of training
photos, without which a training would begin by changing what the network computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import timm
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from vectortag.core.errors import ConfigError
from vectortag.data.training_photos import Photos
from vectortag.model.folder import ModelFolder
from vectortag.runtime.session import open_session
from vectortag.train.backbone import leave_out_unused

PARITY = 1e-3
"""How far the restored network may be from the model's, relative to the largest feature; float32 noise is 1e-6."""

PREFIX = "body."
"""What the exported network puts before timm's names."""

MEASURED = 256
"""Photos that the statistics of the norms are measured on."""
AT_ONCE = 16


def weights_of_model(folder: ModelFolder, architecture: str) -> dict[str, Tensor]:
    """The weights of a model's network, and of its classifier, in float32 by timm's names.

    Raises:
        ConfigError: the model has another architecture, or its network has arrays that timm's names do not lead to.
    """
    has = folder.manifest.backbone.architecture
    if has != architecture:
        raise ConfigError(
            f'backbone.init: {folder.id} is a {has}, not a {architecture}. Set backbone.architecture = "{has}"'
        )
    arrays, biases = _arrays(onnx.load_model_from_string(folder.network.read_bytes()))
    body: Any = timm.create_model(architecture, pretrained=False, num_classes=0).eval()
    leave_out_unused(body, body.default_cfg["input_size"][-1])
    weights = {name: arrays[PREFIX + name] for name in body.state_dict() if PREFIX + name in arrays}
    for conv, norm in _merged_pairs(body, folder.manifest.sizes[0]):
        if f"{norm}.weight" not in weights:
            layer = body.get_submodule(norm)
            none = torch.zeros(layer.num_features)  # a bias of zeros is left out of the file
            weights |= _adding(norm, layer, arrays.get(biases.get(f"{PREFIX}{conv}.weight", ""), none))
    expected = {name for name in body.state_dict() if not name.endswith("num_batches_tracked")}
    if lost := sorted(expected - weights.keys()):
        raise ConfigError(
            f"backbone.init: {len(lost)} arrays of {architecture} cannot be read back from the network of {folder.id}, "
            f"as {lost[0]}. Start from the backbone.safetensors of its run folder"
        )
    if folder.classifier is not None:
        layer_name = body.default_cfg["classifier"]
        weights[f"{layer_name}.weight"] = torch.from_numpy(folder.classifier.w).float()
        weights[f"{layer_name}.bias"] = torch.from_numpy(folder.classifier.b).float()
    return weights


def merged(weights: Mapping[str, Tensor], architecture: str, size: int) -> dict[str, Tensor]:
    """Weights by timm's names as `weights_of_model` has them: each batch norm merged into the convolution before it.

    So they can be averaged with those of a finished model.

    Raises:
        ConfigError: the weights are for another network.
    """
    body: Any = timm.create_model(architecture, pretrained=False, num_classes=0).eval()
    result = dict(weights)
    try:
        for conv, norm in _merged_pairs(body, size):
            mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
            layer = body.get_submodule(norm)
            scale = weights[f"{norm}.weight"] / (variance + layer.eps).sqrt()
            before = weights.get(f"{conv}.bias", 0.0)
            result[f"{conv}.weight"] = weights[f"{conv}.weight"] * scale[:, None, None, None]
            result |= _adding(norm, layer, weights[f"{norm}.bias"] + (before - mean) * scale)
            if f"{conv}.bias" in weights:
                result[f"{conv}.bias"] = torch.zeros_like(mean)
    except KeyError as error:
        raise ConfigError(f"backbone.init: these weights are for another network: they lack {error}") from error
    return result


def _adding(name: str, norm: nn.BatchNorm2d, bias: Tensor) -> dict[str, Tensor]:
    """The arrays of a batch norm that adds a bias, (C,), and does nothing else."""
    ones = torch.ones_like(bias)
    return {
        f"{name}.weight": ones * (1 + norm.eps) ** 0.5,
        f"{name}.bias": bias,
        f"{name}.running_mean": torch.zeros_like(bias),
        f"{name}.running_var": ones,
    }


def _arrays(model: onnx.ModelProto) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The arrays of a network by their names, and the name of each convolution's bias by that of its weights."""
    arrays = {
        array.name.removesuffix(".fp16"): torch.from_numpy(numpy_helper.to_array(array).astype(np.float32))
        for array in model.graph.initializer
    }
    convolutions = (node for node in model.graph.node if node.op_type == "Conv" and len(node.input) == 3)
    return arrays, {node.input[1].removesuffix(".fp16"): node.input[2].removesuffix(".fp16") for node in convolutions}


def _merged_pairs(body: Any, size: int) -> list[tuple[str, str]]:
    """The names of each convolution and of the batch norm that its output goes to."""
    made: list[tuple[Tensor, str]] = []
    pairs: list[tuple[str, str]] = []

    def after_conv(name: str) -> Any:
        return lambda _module, _inputs, output: made.append((output, name))

    def before_norm(name: str) -> Any:
        return lambda _module, inputs: pairs.extend((conv, name) for one, conv in made if one is inputs[0])

    hooks = []
    for name, module in body.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(after_conv(name)))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(before_norm(name)))
    with torch.inference_mode():
        body.forward_features(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return pairs


def check_parity(backbone: nn.Module, folder: ModelFolder) -> None:
    """Compare a restored network with that of its model, on a random picture.

    Raises:
        ConfigError: they differ.
    """
    size = folder.manifest.sizes[0]
    coarse = np.random.default_rng(0).integers(0, 256, (1, size // 8 + 1, size // 8 + 1, 3), np.uint8)
    image = np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size])
    with torch.inference_mode():
        restored = backbone(torch.from_numpy(image)).numpy()
    expected = open_session(folder.network.read_bytes()).run(image)
    difference = float(np.abs(restored - expected).max() / np.abs(expected).max())
    if not difference <= PARITY:
        raise ConfigError(
            f"backbone.init: the network of {folder.id}, read back into timm's, differs from itself by "
            f"{difference:.2g}. Start from the backbone.safetensors of its run folder"
        )


def measure_norms(backbone: nn.Module, photos: Photos, size: int) -> None:
    """Give each batch norm the statistics of photos, and change its scale and shift so that it computes the same.

    Args:
        photos: (H, W, 3) uint8 each; the middle of up to MEASURED of them is used, where they are larger than `size`.
        size: pixels a side of the network's input.
    """
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].double().transpose(0, 1).flatten(1)  # (C, N * h * w)
        count = torch.full((len(values),), float(values.shape[1]), dtype=torch.float64)
        sums[norm] += torch.stack([values.sum(dim=1), values.square().sum(dim=1), count])  # type: ignore[index]

    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    rows = np.unique(np.linspace(0, len(photos) - 1, MEASURED).astype(int))
    top, left = (max(0, side - size) // 2 for side in photos[0].shape[:2])
    backbone.eval()
    with torch.inference_mode():
        for first in range(0, len(rows), AT_ONCE):
            some = photos[rows[first : first + AT_ONCE]][:, top : top + size, left : left + size]
            backbone(torch.from_numpy(np.ascontiguousarray(some)))
    for hook in hooks:
        hook.remove()
    for norm in norms:
        _restate(norm, *sums[norm])


@torch.no_grad()
def _restate(norm: nn.BatchNorm2d, total: Tensor, squares: Tensor, count: Tensor) -> None:
    """Set mean and variance, (C,) each, and keep what the norm computes."""
    assert norm.running_mean is not None  # timm's norms keep statistics
    assert norm.running_var is not None
    mean = total / count
    variance = (squares / count - mean.square()).clamp_min(0)
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - norm.running_mean.double() * scale
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + scale * mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)

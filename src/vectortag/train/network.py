"""The network in torch: pixels -> feature map -> embedding -> logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vectortag.errors import ConfigError, did_you_mean
from vectortag.head import LinearBlock, MlpBlock
from vectortag.train.config import BackboneConfig, HeadConfig


class Backbone(nn.Module):
    """Images uint8 (N, H, W, 3) -> feature map float32 (N, K, h, w); normalisation is inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.body.forward_features(self.normalise(images))
        return features

    def normalise(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 -> (N, 3, H, W) float32."""
        return (images.permute(0, 3, 1, 2).float() - self.mean) / self.std

    @property
    def width(self) -> int:
        """K, the number of channels of the feature map."""
        return int(self.body.num_features)

    @property
    def stride(self) -> int:
        """Pixels a side of one cell of the feature map."""
        return int(self.body.feature_info[-1]["reduction"])


class Network(nn.Module):
    """Images uint8 (N, H, W, 3) -> logits (N, T)."""

    def __init__(self, backbone: Backbone, head: nn.Sequential) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images).mean(dim=(2, 3)))
        return logits


def create_backbone(config: BackboneConfig) -> Backbone:
    """Build a timm model with its starting weights.

    Raises:
        ConfigError: timm does not know the architecture, the weights cannot be read or belong to another network, or
            the network has layers between its feature map and its embedding.
    """
    if config.architecture not in timm.list_models():
        hint = did_you_mean(config.architecture, timm.list_models())
        raise ConfigError(f'backbone.architecture: timm has no model "{config.architecture}".{hint}')
    download = config.init == "pretrained"
    body: Any = timm.create_model(config.architecture, pretrained=download, num_classes=0)
    if not download:
        _load_weights(body, Path(config.init))
    _refuse_layers_after_the_pool(body, config)
    return Backbone(body, body.default_cfg["mean"], body.default_cfg["std"])


def _load_weights(body: Any, file: Path) -> None:
    try:
        weights = load_file(file)
    except Exception as error:  # safetensors raises its own class, the file system others
        raise ConfigError(f"backbone.init: {file} cannot be read as safetensors: {error}") from error
    try:
        missing, _ = body.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=False)
    except RuntimeError as error:  # arrays of other shapes, one a line
        problem = str(error).splitlines()[-1].strip()
        raise ConfigError(f"backbone.init: {file} is for another network: {problem}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ConfigError(f"backbone.init: {file} is for another network: it lacks {len(missing)}, as {missing[0]}")


def _refuse_layers_after_the_pool(body: Any, config: BackboneConfig) -> None:
    """An embedding must be the plain mean of the feature map, or heat maps in closed form would be wrong."""
    body.eval()
    pixels = torch.rand(1, 3, config.image_size, config.image_size)
    with torch.inference_mode():
        features = body.forward_features(pixels)
        if features.ndim != 4:
            raise ConfigError(f"backbone.architecture: {config.architecture} has no spatial feature map")
        embedding = body.forward_head(features, pre_logits=True)
    if embedding.shape != features.shape[:2] or not torch.allclose(embedding, features.mean((2, 3)), atol=1e-4):
        raise ConfigError(
            f"backbone.architecture: {config.architecture} has layers between its feature map and its embedding. "
            "Choose one whose embedding is the plain mean, as resnet18 or tf_efficientnet_lite0"
        )


def create_head(config: HeadConfig, width: int, tag_count: int, *, seed: int) -> nn.Sequential:
    """Linear -> ReLU -> Dropout -> Linear; with `hidden = 0`, Dropout -> Linear."""
    torch.manual_seed(seed)
    if config.hidden == 0:
        return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(width, tag_count))
    return nn.Sequential(
        nn.Linear(width, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, tag_count),
    )


def to_block(head: nn.Sequential) -> MlpBlock | LinearBlock:
    """The trained head as numpy matrices."""
    layers = [layer for layer in head if isinstance(layer, nn.Linear)]
    arrays = [array.detach().cpu().float().numpy() for layer in layers for array in (layer.weight, layer.bias)]
    return MlpBlock(*arrays) if len(layers) == 2 else LinearBlock(*arrays)

"""A backbone of any family of timm: images -> the feature map whose mean is the embedding.

| what a family gives at its end | what is done |
| --- | --- |
| a feature map (N, K, h, w) | nothing |
| the same with the channels last: Swin | they go to the front |
| tokens (N, P + h * w, K): ViT, EVA-02 | the P are left out, the others go to their places |
| layers after the mean of the map: MobileNetV3 and V4, HGNetV2 | they are left out |
| a norm after the mean, in ConvNeXt | it goes before the mean |

Anything else is refused, since heat maps in closed form would be wrong.
"""

from __future__ import annotations

import math
import re
from typing import Any

import timm
import torch
from torch import Tensor, nn

from vectortag.core.errors import ConfigError
from vectortag.train.config import BackboneConfig

TOLERANCE = 1e-4
"""How far timm's own embedding may be from the mean of the map to count as that."""

ATTENTION = re.compile(r"Attention|(?<!Split)Attn|MLA")
"""In the names of timm's classes of attention between places; `SplitAttn` is one between channels."""

EXAMPLES = "resnet18, convnext_tiny or vit_small_patch16_224"


class Backbone(nn.Module):
    """Images uint8 (N, H, W, 3) -> feature map float32 (N, K, h, w); normalisation is inside."""

    mean: Tensor
    std: Tensor
    feeds_timms_classifier: bool
    """Whether the classifier that timm has for this network takes the mean of the feature map; set by `trim`."""

    def __init__(self, body: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.body = body
        self.feeds_timms_classifier = False
        self.to_map = _adapter(body)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        feature_map: Tensor = self.to_map(self.body.forward_features(self.normalise(images)))
        return feature_map

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

    @property
    def takes_any_size(self) -> bool:
        """False where there is attention: it knows positions of one size only, and its export is for one."""
        return not any(ATTENTION.search(type(module).__name__) for module in self.body.modules())


class PatchTokens(nn.Module):
    """Tokens (N, P + h * w, K) of a Vision Transformer -> feature map (N, K, h, w); the P others are left out."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.others, self.grid = int(body.num_prefix_tokens), tuple(body.patch_embed.grid_size)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, self.others :].transpose(1, 2).reshape(tokens.shape[0], -1, *self.grid)


class ChannelsFirst(nn.Module):
    """(N, h, w, K) -> feature map (N, K, h, w)."""

    def forward(self, cells: Tensor) -> Tensor:
        return cells.permute(0, 3, 1, 2)


def _adapter(body: Any) -> nn.Module:
    if getattr(body, "output_fmt", "") == "NHWC":
        return ChannelsFirst()
    patches = getattr(body, "patch_embed", None)
    if hasattr(body, "num_prefix_tokens") and hasattr(patches, "grid_size"):
        return PatchTokens(body)
    return nn.Identity()


def is_transformer(body: Any) -> bool:
    """Whether it is a Vision Transformer or EVA: made for one image size, with a class token for its own classifier."""
    return isinstance(body, timm.models.VisionTransformer | timm.models.Eva)


def has_norm_after_the_mean(body: Any) -> bool:
    """ConvNeXt: its norm works on each place of a map as well, so it can move before the mean."""
    return isinstance(body, timm.models.ConvNeXt) and hasattr(body.head, "norm")


def check_feature_map(backbone: Backbone, config: BackboneConfig) -> None:
    """Check, by one image, that a backbone makes a feature map.

    Raises:
        ConfigError: it does not, or it does not take images of this size.
    """
    backbone.eval()
    size, name = config.image_size, config.architecture
    with torch.inference_mode():
        try:
            output = backbone.body.forward_features(torch.rand(1, 3, size, size))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ConfigError(f"backbone.image_size: {name} does not take {size} pixels: {error}") from error
        if problem := _why_no_map(backbone, output):
            raise ConfigError(f"backbone.architecture: {name} {problem}. Choose another, such as {EXAMPLES}")
    if config.sizes and not backbone.takes_any_size:
        raise ConfigError(f"backbone.sizes: {name} takes one size only, image_size. Leave sizes out")


def _why_no_map(backbone: Backbone, output: Any) -> str | None:
    """What is wrong with what `forward_features` gave for one image; None if it becomes a feature map."""
    if not isinstance(output, Tensor):
        return f"gives {len(output)} tensors in the place of one feature map"
    shape = tuple(output.shape)
    if isinstance(backbone.to_map, PatchTokens):
        others, grid = backbone.to_map.others, backbone.to_map.grid
        if output.ndim != 3 or shape[1] != others + math.prod(grid):
            return f"gives {shape[1:]} in the place of {others} + {grid[0]} x {grid[1]} tokens"
    elif output.ndim != 4:
        return f"has no feature map: it gives {shape[1:]} for an image"
    if backbone.to_map(output).shape[1] != backbone.width:
        return f"has {backbone.width} channels by its own account, but gives {shape[1:]} for an image"
    return None


def trim(backbone: Backbone, size: int) -> None:
    """Leave out the layers after the mean, after finding out whether there are any.

    Args:
        size: pixels a side of the image that is tried.
    """
    body = backbone.body
    pooled_anew = is_transformer(body) or isinstance(body, timm.models.ConvNeXt)  # by the first token, or normalised
    backbone.feeds_timms_classifier = not pooled_anew and _mean_is_timms_embedding(backbone, size)
    leave_out_unused(body, size)


def leave_out_unused(body: Any, size: int) -> None:
    """Replace the layers of a timm model that have no part in its feature map; they would never learn."""
    used: set[nn.Module] = set()
    hooks = [module.register_forward_hook(lambda module, *_: used.add(module)) for module in body.modules()]
    with torch.inference_mode():
        body.eval().forward_features(torch.rand(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    if has_norm_after_the_mean(body):
        used.add(body.head.norm)
    for name, child in body.named_children():
        if any(True for _ in child.parameters()) and not used & set(child.modules()):
            setattr(body, name, nn.Identity())


def _mean_is_timms_embedding(backbone: Backbone, size: int) -> bool:
    backbone.eval()
    with torch.inference_mode():
        output = backbone.body.forward_features(torch.rand(1, 3, size, size))
        embedding = backbone.body.forward_head(output, pre_logits=True)
        mean = backbone.to_map(output).mean((2, 3))
    return embedding.shape == mean.shape and torch.allclose(embedding, mean, atol=TOLERANCE)

"""The stages of a backbone: cut in two, of which the upper part is trained on activations; or unfrozen one by one."""

from __future__ import annotations

from typing import Any

from timm.models import ConvNeXt, EfficientNet, Eva, MobileNetV3, SwinTransformer, VisionTransformer
from timm.models.hgnet import HighPerfGpuNet
from torch import Tensor, nn

from vectortag.core.errors import ConfigError
from vectortag.train.backbone import Backbone


class Lower(nn.Module):
    """Images uint8 (N, H, W, 3) -> the activations below the cut: (N, C, h, w), of a transformer (N, tokens, C)."""

    def __init__(self, backbone: Backbone, layers: nn.Sequential) -> None:
        super().__init__()
        self.backbone, self.layers = backbone, layers

    def forward(self, images: Tensor) -> Tensor:
        activations: Tensor = self.layers(self.backbone.normalise(images))
        return activations


class Embedding(nn.Module):
    """What a Vision Transformer does before its first block: images (N, 3, H, W) -> tokens (N, P + h * w, K)."""

    def __init__(self, body: VisionTransformer) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        tokens: Tensor = self.body.norm_pre(self.body.patch_drop(self.body._pos_embed(self.body.patch_embed(images))))
        return tokens


def cut(backbone: Backbone, trained_stages: int) -> tuple[Lower, nn.Sequential]:
    """Return the lower part and the upper part; together they are the backbone, and share its weights.

    Args:
        backbone: of the families of ResNet, EfficientNet, MobileNet, ConvNeXt, HGNet, Swin or Vision Transformer.
        trained_stages: how many of the last stages go to the upper part.

    Raises:
        ConfigError: the backbone is of another family, or has not so many stages.
    """
    stem, stages, top = _parts(backbone.body)
    if isinstance(backbone.body, Eva):
        raise ConfigError(
            'freeze = "stages": the blocks of EVA need positions beside the activations that are cached. '
            'Use freeze = "none" with unfreeze_at, or "backbone"'
        )
    if trained_stages >= len(stages):
        raise ConfigError(f"backbone.trained_stages: {trained_stages}, but the network has {len(stages)} stages")
    lower, upper = stages[:-trained_stages], stages[-trained_stages:]
    return Lower(backbone, nn.Sequential(*stem, *lower)), nn.Sequential(*upper, *top, backbone.to_map)


def check_stages(backbone: Backbone, count: int) -> None:
    """Check that so many stages can be unfrozen.

    Raises:
        ConfigError: the backbone has not so many, or nobody knows its stages.
    """
    if count > (has := len(_parts(backbone.body)[1])):
        raise ConfigError(f"unfreeze_at: {count} numbers, but the network has {has} stages")


def unfreeze(backbone: Backbone, count: int) -> None:
    """Let the last `count` stages learn, with what comes after them; with all stages, what comes before them as well.

    What rests keeps its weights, and its norms their statistics.
    """
    _, stages, top = _parts(backbone.body)
    everything = count >= len(stages)
    backbone.requires_grad_(everything).train(everything)
    for part in [*stages[len(stages) - count :], *top] if count else []:
        part.requires_grad_(True).train()


def _parts(body: Any) -> tuple[list[nn.Module], list[nn.Module], list[nn.Module]]:
    """What comes before the stages, the stages, what comes after them."""
    if hasattr(body, "layer4"):
        return [body.conv1, body.bn1, body.act1, body.maxpool], [body.layer1, body.layer2, body.layer3, body.layer4], []
    if isinstance(body, EfficientNet):
        return [body.conv_stem, body.bn1], list(body.blocks), [body.conv_head, body.bn2]
    if isinstance(body, MobileNetV3):
        return [body.conv_stem, body.bn1], list(body.blocks), []
    if isinstance(body, ConvNeXt):
        return [body.stem], list(body.stages), [body.norm_pre]
    if isinstance(body, HighPerfGpuNet):
        return [body.stem], list(body.stages), []
    if isinstance(body, SwinTransformer):
        return [body.patch_embed], list(body.layers), [body.norm]
    if isinstance(body, VisionTransformer):
        return [Embedding(body)], list(body.blocks), [body.norm]
    if isinstance(body, Eva):
        return [body.patch_embed], list(body.blocks), [body.norm]
    raise ConfigError(
        f'the stages of a {type(body).__name__} are not known. Use freeze = "backbone", or "none" without unfreeze_at; '
        "or a ResNet, EfficientNet, MobileNet, ConvNeXt, HGNet, Swin or ViT"
    )

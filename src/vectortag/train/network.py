"""The network in torch: pixels -> feature map -> embedding -> logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file, save
from timm.models import eva, swin_transformer, swin_transformer_v2, vision_transformer
from torch import Tensor, nn

from vectortag.core.errors import ConfigError, VectorTagError, did_you_mean
from vectortag.core.writing import replace_file
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.registry import find_model_folder
from vectortag.train.backbone import (
    Backbone,
    check_feature_map,
    has_norm_after_the_mean,
    is_transformer,
    trim,
)
from vectortag.train.config import PRETRAINED, BackboneConfig
from vectortag.train.model_weights import check_parity, merged, weights_of_model
from vectortag.train.timm_weights import create_pretrained

IMAGENET_CLASSES = 1000

WITH_TOKENS = ["vision_transformer", "deit", "eva"]
OF_ONE_SIZE = [*WITH_TOKENS, "swin_transformer", "swin_transformer_v2"]
"""timm's modules whose networks are made for one image size."""

INTERPOLATED: dict[type[nn.Module], Callable[[dict[str, Tensor], nn.Module], Mapping[str, Tensor]]] = {
    vision_transformer.VisionTransformer: vision_transformer.checkpoint_filter_fn,
    eva.Eva: eva.checkpoint_filter_fn,
    swin_transformer.SwinTransformer: swin_transformer.checkpoint_filter_fn,
    swin_transformer_v2.SwinTransformerV2: swin_transformer_v2.checkpoint_filter_fn,
}
"""How the positions of a family are brought to another image size."""


class Network(nn.Module):
    """Images uint8 (N, H, W, 3) -> logits (N, T)."""

    def __init__(self, backbone: Backbone, head: nn.Module) -> None:
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
            the network makes no feature map, or none from images of this size.
    """
    if config.architecture not in timm.list_models():
        hint = did_you_mean(config.architecture, timm.list_models())
        raise ConfigError(f'backbone.architecture: timm has no model "{config.architecture}".{hint}')
    options: dict[str, Any] = {}
    if timm.models.is_model_in_modules(config.architecture, OF_ONE_SIZE):
        options["img_size"] = config.image_size
    if timm.models.is_model_in_modules(config.architecture, WITH_TOKENS) and "distilled" not in config.architecture:
        options["global_pool"] = ""  # keeps the last norm before the pool, where the feature map has it
    if config.drop_path:
        options["drop_path_rate"] = config.drop_path
    only_timms = config.inits == (PRETRAINED,)
    try:
        create = create_pretrained if only_timms else timm.create_model
        body: Any = create(config.architecture, num_classes=0, **options)
    except TypeError as error:
        if "drop_path_rate" not in str(error):
            raise
        raise ConfigError(f"backbone.drop_path: {config.architecture} has no branches to leave out. Set 0") from error
    backbone = Backbone(body, body.default_cfg["mean"], body.default_cfg["std"])
    check_feature_map(backbone, config)
    trim(backbone, config.image_size)
    if not only_timms:
        _load_weights(body, config)
    if has_norm_after_the_mean(body):
        body.norm_pre, body.head.norm = body.head.norm, nn.Identity()
    if (model := starting_model(config)) is not None:
        check_parity(backbone, model)
    return backbone


def starting_model(config: BackboneConfig) -> ModelFolder | None:
    """The finished model whose network is the start; None where the start is a file, timm's weights or a mean.

    Raises:
        ConfigError: there is no such model.
    """
    return None if len(config.inits) > 1 else _model_at(config.inits[0])


def _model_at(init: str) -> ModelFolder | None:
    if init == PRETRAINED or _is_file(init):
        return None
    try:
        return find_model_folder(init)
    except VectorTagError as error:
        raise ConfigError(f"backbone.init: neither a safetensors file nor a model: {error}") from error


def _is_file(init: str) -> bool:
    return init.endswith(".safetensors") or Path(init).is_file()


def pretrained_classifier(config: BackboneConfig, backbone: Backbone) -> Classifier | None:
    """The ImageNet classifier that came with a backbone's starting weights; None where there is none that fits.

    It fits where it takes the mean of the feature map, and knows the 1,000 classes whose names timm knows.
    """
    if not backbone.feeds_timms_classifier:
        return None
    weights = _starting_weights(config)
    layer = backbone.body.default_cfg["classifier"]
    w, b = (weights.get(f"{layer}.{part}") for part in ("weight", "bias"))
    if w is None or b is None or w.shape != (IMAGENET_CLASSES, backbone.width):
        return None
    return Classifier(w.numpy(), b.numpy(), _imagenet_names())


def _imagenet_names() -> tuple[str, ...]:
    """WordNet's first word for each class; where two classes have the same, with its meaning: "crane (lifts ...)"."""
    info = timm.data.ImageNetInfo()
    classes = range(IMAGENET_CLASSES)
    words = [info.index_to_description(index).split(",")[0] for index in classes]
    meanings = [info.index_to_description(index, detailed=True).rpartition(": ")[2] for index in classes]
    return tuple(
        word if words.count(word) == 1 else f"{word} ({meaning})" for word, meaning in zip(words, meanings, strict=True)
    )


def save_weights(backbone: Backbone, classifier: Classifier | None, file: Path) -> None:
    """Write a backbone, and the classifier trained with it, by timm's names: what `backbone.init` reads."""
    weights = backbone.body.state_dict()
    if has_norm_after_the_mean(backbone.body):
        weights = {name.replace("norm_pre.", "head.norm."): weight for name, weight in weights.items()}
    if classifier is not None:
        layer = backbone.body.default_cfg["classifier"]
        weights |= {f"{layer}.weight": torch.from_numpy(classifier.w), f"{layer}.bias": torch.from_numpy(classifier.b)}
    replace_file(file, save({name: weight.contiguous() for name, weight in weights.items()}))


def _starting_weights(config: BackboneConfig) -> dict[str, Tensor]:
    """In float32, by timm's names; of several networks the mean of what all of them have.

    Raises:
        ConfigError: they cannot be read, or are of different networks.
    """
    models = {init: _model_at(init) for init in config.inits}
    starts = {}  # one that is named twice is read once
    for init, model in models.items():
        starts[init] = weights_of_model(model, config.architecture) if model else _weights_of(init, config.architecture)
        if model is None and any(models.values()):
            starts[init] = merged(starts[init], config.architecture, config.image_size)
    every = [starts[init] for init in config.inits]
    shared = [name for name in every[0] if all(name in weights for weights in every)]
    try:
        return {name: torch.stack([weights[name] for weights in every]).mean(dim=0) for name in shared}
    except RuntimeError as error:
        raise ConfigError(f"backbone.init: {', '.join(config.inits)} are of different networks: {error}") from error


def _weights_of(init: str, architecture: str) -> dict[str, Tensor]:
    if init == PRETRAINED:
        weights = create_pretrained(architecture).state_dict()
    else:
        try:
            weights = load_file(Path(init))
        except Exception as error:  # safetensors raises its own class, the file system others
            raise ConfigError(f"backbone.init: {init} cannot be read as safetensors: {error}") from error
    return {name: tensor.float() for name, tensor in weights.items()}


def _load_weights(body: Any, config: BackboneConfig) -> None:
    weights, where = _starting_weights(config), ", ".join(config.inits)
    weights = _for_its_size(weights, body)
    try:
        missing, _ = body.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # arrays of other shapes, one a line
        problem = str(error).splitlines()[-1].strip()
        raise ConfigError(f"backbone.init: {where} is for another network: {problem}") from error
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ConfigError(f"backbone.init: {where} is for another network: it lacks {len(missing)}, as {missing[0]}")


def _for_its_size(weights: dict[str, Tensor], body: Any) -> dict[str, Tensor]:
    """Positions for another image size are interpolated; a last norm after the pool is taken as the one before it."""
    if is_transformer(body):
        weights = {name.replace("fc_norm.", "norm."): tensor for name, tensor in weights.items()}
    for family, fitted in INTERPOLATED.items():
        if isinstance(body, family):
            return dict(fitted(weights, body))
    return weights

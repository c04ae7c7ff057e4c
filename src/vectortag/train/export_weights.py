"""The backbone of a finished model as a safetensors file by timm's names."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import timm
from safetensors.torch import load_file, save

from vectortag.core.errors import ConfigError
from vectortag.core.version import __version__
from vectortag.core.writing import atomic_output
from vectortag.data.outputs import WEIGHTS, InputFiles, check_output
from vectortag.model.folder import ModelFolder
from vectortag.model.registry import find_model_folder
from vectortag.train.backbone import Backbone
from vectortag.train.config import BackboneConfig
from vectortag.train.network import create_backbone, save_weights

OPTIONS: dict[str, Any] = {"num_classes": 0}
"""Of `timm.create_model`, for a network without a classifier."""


def export_weights(
    model: str | Path | ModelFolder | None, output: Path, *, overwrite: bool = False
) -> tuple[Path, dict[str, str]]:
    """Write the weights of a model's network, in float32, without the head.

    They are read back into timm's network and compared with the model's before anything is written. Each batch norm
    was merged into the convolution before it, so its own statistics are mean 0 and variance 1.

    Args:
        model: a model's name or folder; None is the default model.
        output: the file.
        overwrite: replace a file of another kind.

    Returns:
        The file, and its metadata: "architecture" and "options", as JSON, for `timm.create_model`; "mean" and "std" of
        normalised pixels from 0 to 1, as JSON; "size" of the input; "model" and "vectortag".

    Raises:
        ConfigError: timm does not know the architecture, or its names do not lead to all of the network, as of a
            transformer, whose exported network has other names. The run folder of a training has its weights.
        OutputError, OverwriteError: the file cannot be written, or would replace another.
        UnknownModelError: there is no such model.
    """
    folder = find_model_folder(model)
    check_output(output, WEIGHTS, inputs=InputFiles(folder.path.iterdir()), overwrite=overwrite)
    architecture, size = folder.manifest.backbone.architecture, folder.manifest.sizes[0]
    backbone = _restored(folder, BackboneConfig(architecture=architecture, init=str(folder.path), image_size=size))
    metadata = {
        "vectortag": __version__,
        "model": folder.id,
        "architecture": architecture,
        "options": json.dumps(OPTIONS),
        "mean": json.dumps(backbone.body.default_cfg["mean"]),
        "std": json.dumps(backbone.body.default_cfg["std"]),
        "size": str(size),
    }
    with atomic_output(output) as stream:
        stream.write(_packed(backbone, metadata))
    return output, metadata


def _restored(folder: ModelFolder, config: BackboneConfig) -> Backbone:
    """The network of a model as timm has it, compared with the model's.

    Raises:
        ConfigError: timm does not know the architecture, or the arrays of the two are not the same.
    """
    try:
        backbone = create_backbone(config)
    except ConfigError as error:
        raise ConfigError(f"{folder.id}: its weights cannot be exported: {error}") from error
    expected = timm.create_model(config.architecture, **OPTIONS).state_dict().keys()
    if unused := sorted(expected - backbone.body.state_dict().keys()):
        raise ConfigError(
            f"{folder.id}: its weights cannot be exported: timm's {config.architecture} has {len(unused)} arrays after "
            f"the feature map that the model does not have, as {unused[0]}. Take backbone.safetensors of its run folder"
        )
    return backbone


def _packed(backbone: Backbone, metadata: dict[str, str]) -> bytes:
    """The file that a training writes of its backbone, with metadata."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "backbone.safetensors"
        save_weights(backbone, None, file)
        return save(load_file(file), metadata)

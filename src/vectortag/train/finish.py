"""After the last epoch: calibration, thresholds and figures on the exported network, and the model folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch

from vectortag.assembly.across_sources import Evidence
from vectortag.assembly.provenance import data_provenance
from vectortag.assembly.publish import BACKGROUND_PHOTOS, FittedModel, publish_model
from vectortag.core import distributed
from vectortag.core.errors import TrainingError
from vectortag.core.types import FloatArray
from vectortag.core.version import __version__
from vectortag.data.records import Record
from vectortag.data.training import TrainingData
from vectortag.model.blocks import Block
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.manifest import Backbone as BackboneInfo
from vectortag.runtime.embedder import Embedder
from vectortag.train.backbone import Backbone
from vectortag.train.config import TrainConfig
from vectortag.train.embedded import embed_all, embedder_of
from vectortag.train.engine import Trained
from vectortag.train.export import PARITY, Exported
from vectortag.train.joint import block_of


def finish(
    config: TrainConfig,
    data: TrainingData,
    trained: Trained,
    exported: Exported,
    backbone: Backbone,
    known: Classifier | None,
    output: Path,
    *,
    started: float,
    evidence: Evidence | None = None,
) -> ModelFolder:
    """Write the model folder `output`/`config.name` and the report beside it.

    Args:
        started: when the training began, by `time.monotonic`.
        known: the backbone's own classifier, if it still goes with one.
        evidence: what calibration and thresholds are fitted on; None is the validation photos.

    Raises:
        TrainingError: the head in numpy gives other logits than torch.
        ModelFolderError: the folder cannot be written.
    """
    block = block_of(trained.head)
    embedder = embedder_of(config, exported.network)
    sizes = (embedder.size, *config.backbone.sizes)
    validation = {size: embed_all(embedder.at(size), exported.network, data.validation.records) for size in sizes}
    _check_head(trained, block, validation[embedder.size])
    fitted = FittedModel(
        network=exported.network,
        embedder=embedder,
        backbone=BackboneInfo(
            architecture=config.backbone.architecture,
            width=backbone.width,
            stride=backbone.stride,
            any_size=backbone.takes_any_size,
        ),
        classifier=known,
        block=block,
        data=data,
        background=_background(embedder, exported.network, data.training.records, config.seed),
        validation=validation,
        evidence=evidence,
        seed=config.seed,
        learning=trained.learning,
        provenance=_provenance(config, trained, exported) | data_provenance(data, started),
    )
    return publish_model(output / config.name, fitted, report=output / f"{config.name}.run" / "report")


def _background(embedder: Embedder, network: bytes, records: Sequence[Record], seed: int) -> FloatArray:
    """Embeddings (B, K) of training photos drawn at random, for tags that are added later."""
    chosen = np.random.default_rng(seed).permutation(len(records))[:BACKGROUND_PHOTOS]
    return embed_all(embedder, network, [records[row] for row in np.sort(chosen)])


def _check_head(trained: Trained, block: Block, embeddings: FloatArray) -> None:
    some = embeddings[:64]
    with torch.inference_mode():
        difference = float(np.abs(trained.head(torch.from_numpy(some)).numpy() - block.logits(some)).max())
    if difference > PARITY:
        raise TrainingError(f"the head in numpy differs from torch by {difference:.2g}, more than {PARITY:.0e}")


def _provenance(config: TrainConfig, trained: Trained, exported: Exported) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for data in settings["data"]:
        del data["csv"]  # a path of the machine that trained says nothing to anyone else
    names = [Path(init).name for init in config.backbone.inits]
    settings["backbone"]["init"] = names[0] if len(names) == 1 else names
    return {
        "vectortag": __version__,
        "torch": torch.__version__,
        "config": settings,
        **trained.learning.to_plain(),
        "timm": timm.__version__,
        "processes": distributed.count(),
        "export": {"float32_difference": exported.float32_difference, "fp16_difference": exported.fp16_difference},
    }

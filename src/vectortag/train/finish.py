"""After the last epoch: calibration, thresholds and figures on the exported network, and the model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vectortag.assembly.publish import BACKGROUND_PHOTOS, finish_model
from vectortag.core import distributed
from vectortag.core.errors import PhotoError, TrainingError
from vectortag.core.types import FloatArray
from vectortag.core.version import __version__
from vectortag.data.records import Record
from vectortag.data.training import TrainingData
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Block
from vectortag.model.manifest import Backbone as BackboneInfo
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import PixelRecipe
from vectortag.runtime.session import open_session
from vectortag.train.config import TrainConfig
from vectortag.train.engine import Trained
from vectortag.train.export import PARITY, Exported
from vectortag.train.network import Backbone, to_block


def finish(
    config: TrainConfig,
    data: TrainingData,
    trained: Trained,
    exported: Exported,
    backbone: Backbone,
    known: Classifier | None,
    output: Path,
    *,
    seconds: float,
) -> ModelFolder:
    """Write the model folder `output`/`config.name` and the report beside it.

    Args:
        known: the backbone's own classifier, if it still goes with one.

    Raises:
        TrainingError: the head in numpy gives other logits than torch.
        ModelFolderError: the folder cannot be written.
    """
    block = to_block(trained.head)
    embedder = Embedder(open_session(exported.network), PixelRecipe(), config.backbone.image_size)
    sizes = (embedder.size, *config.backbone.sizes)
    validation = {size: _embed(embedder.at(size), data.validation.records) for size in sizes}
    _check_head(trained, block, validation[embedder.size])
    return finish_model(
        output / config.name,
        report=output / f"{config.name}.run" / "report",
        network=exported.network,
        embedder=embedder,
        backbone=BackboneInfo(
            architecture=config.backbone.architecture,
            width=backbone.width,
            stride=backbone.stride,
            any_size=backbone.takes_any_size,
        ),
        block=block,
        data=data,
        validation=validation,
        background=_background(embedder, data.training.records, config.seed),
        classifier=known,
        learning=trained.learning,
        provenance=_provenance(config, trained, exported, seconds),
        seed=config.seed,
    )


def _embed(embedder: Embedder, records: Sequence[Record]) -> FloatArray:
    """(N, K) embeddings by the code that tags."""
    rows = []
    for record, (_, embedding) in zip(records, embedder.embed_many(r.path for r in records), strict=True):
        if isinstance(embedding, PhotoError):
            raise TrainingError(f"{record.dataset}, row {record.row}: {embedding}. List all: vectortag check DATA")
        rows.append(embedding)
    return np.stack(rows)


def _background(embedder: Embedder, records: Sequence[Record], seed: int) -> FloatArray:
    """Embeddings (B, K) of training photos drawn at random, for tags that are added later."""
    chosen = np.random.default_rng(seed).permutation(len(records))[:BACKGROUND_PHOTOS]
    return _embed(embedder, [records[row] for row in np.sort(chosen)])


def _check_head(trained: Trained, block: Block, embeddings: FloatArray) -> None:
    some = embeddings[:64]
    with torch.inference_mode():
        difference = float(np.abs(trained.head(torch.from_numpy(some)).numpy() - block.logits(some)).max())
    if difference > PARITY:
        raise TrainingError(f"the head in numpy differs from torch by {difference:.2g}, more than {PARITY:.0e}")


def _provenance(config: TrainConfig, trained: Trained, exported: Exported, seconds: float) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for data in settings["data"]:
        del data["csv"]  # a path of the machine that trained says nothing to anyone else
    names = [Path(init).name for init in config.backbone.inits]
    settings["backbone"]["init"] = names[0] if len(names) == 1 else names
    return {
        "vectortag": __version__,
        "torch": torch.__version__,
        "config": settings,
        "epochs": [asdict(epoch) for epoch in trained.learning.epochs],
        "best_epoch": trained.learning.best + 1,
        "processes": distributed.count(),
        "seconds": round(seconds),
        "export": {"float32_difference": exported.float32_difference, "fp16_difference": exported.fp16_difference},
    }

"""The story of a training: read this first.

photos and their words -> tags, targets, a split
backbone -> model.onnx -> embeddings of every photo, by the same code that will tag
embeddings -> head
validation photos -> calibration, thresholds, figures
all of it -> a model folder
"""

from __future__ import annotations

import logging
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vectortag
from vectortag.embedder import Embedder
from vectortag.errors import TrainingError
from vectortag.evaluation import evaluate
from vectortag.head import Head
from vectortag.hierarchy import Hierarchy
from vectortag.manifest import Backbone as BackboneInfo
from vectortag.model_folder import NETWORK, ModelFolder, write_model_folder
from vectortag.preprocess import PixelRecipe
from vectortag.session import open_session
from vectortag.tagger import Tagger
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import load_training_data
from vectortag.train.export import PARITY, Exported, export_backbone
from vectortag.train.features import embed_cached
from vectortag.train.fit_head import FittedHead, fit_head
from vectortag.train.model_card import write_card
from vectortag.train.network import create_backbone, to_block
from vectortag.train.operating_point import cross_fitted, fit_operating_point
from vectortag.types import FloatArray

log = logging.getLogger(__name__)


def train(config: TrainConfig, output: str | Path) -> ModelFolder:
    """Train a model and write it as the folder `output`/`config.name`.

    Raises:
        VectorTagError: the data, the configuration or the training is wrong; then no folder is written.
    """
    started = time.monotonic()
    data = load_training_data(config)
    log.info("%d tags, %d training photos", len(data.tags), len(data.training.records))
    backbone = create_backbone(config.backbone)
    exported = export_backbone(backbone, config.backbone.image_size)
    with tempfile.TemporaryDirectory() as scratch:
        network = Path(scratch) / NETWORK
        network.write_bytes(exported.network)
        session = open_session(network, precision="exact")
        embedder = Embedder(session, PixelRecipe(), config.backbone.image_size)
        everyone = data.training.records + data.validation.records
        views = [embed_cached(embedder, exported.network, everyone, flipped=flipped) for flipped in (False, True)]
    trained = len(data.training.records)
    validation = views[0][trained:]
    fitted = fit_head(
        config, [view[:trained] for view in views], data.training.targets, validation, data.validation.targets
    )
    head = Head((to_block(fitted.head),))
    _check_head(fitted, head, validation)
    logits, hierarchy = head.logits(validation), Hierarchy.of(data.tags, data.taxonomy)
    fields = {
        "name": config.name,
        "tags": data.tags,
        "backbone": BackboneInfo(architecture=config.backbone.architecture, width=backbone.width, stride=32),
        "pixels": PixelRecipe(),
        "operating_points": (
            fit_operating_point(logits, data.validation.targets, hierarchy, config.backbone.image_size),
        ),
        "data_sets": data.data_sets,
        "taxonomy": data.taxonomy,
        "provenance": _provenance(config, exported, fitted, time.monotonic() - started),
    }
    metrics = {"cross_fitted": cross_fitted(logits, data.validation.targets, hierarchy, seed=config.seed)}
    with tempfile.TemporaryDirectory() as scratch:
        draft = write_model_folder(
            Path(scratch) / config.name, network=exported.network, head=head, card=write_card, **fields
        )
        metrics |= _figures(draft, config)
    folder = write_model_folder(
        Path(output) / config.name, network=exported.network, head=head, card=write_card, metrics=metrics, **fields
    )
    log.info("wrote %s", folder.path)
    return folder


def _figures(folder: ModelFolder, config: TrainConfig) -> dict[str, Any]:
    """The finished folder's figures on the validation part of each data set, by the code that users run."""
    session = open_session(folder.network, precision="exact")
    tagger = Tagger(folder, Embedder(session, folder.manifest.pixels, config.backbone.image_size))
    return {data.name: evaluate(tagger, data.csv, dataset=data.name, split="val").summary() for data in config.data}


def _check_head(fitted: FittedHead, head: Head, embeddings: FloatArray) -> None:
    """The head in numpy must give torch's logits."""
    some = embeddings[:64]
    with torch.inference_mode():
        difference = float(np.abs(fitted.head(torch.from_numpy(some)).numpy() - head.logits(some)).max())
    if difference > PARITY:
        raise TrainingError(f"the head in numpy differs from torch by {difference:.2g}, more than {PARITY:.0e}")


def _provenance(config: TrainConfig, exported: Exported, fitted: FittedHead, seconds: float) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for data in settings["data"]:
        del data["csv"]  # a path of the machine that trained says nothing to anyone else
    if config.backbone.init != "pretrained":
        settings["backbone"]["init"] = Path(config.backbone.init).name
    return {
        "vectortag": vectortag.__version__,
        "torch": torch.__version__,
        "config": settings,
        "epochs": [asdict(epoch) for epoch in fitted.epochs],
        "best_epoch": fitted.best + 1,
        "seconds": round(seconds),
        "export": {"float32_difference": exported.float32_difference, "fp16_difference": exported.fp16_difference},
    }

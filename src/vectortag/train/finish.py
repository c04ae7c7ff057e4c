"""After the last epoch: calibration, thresholds and figures on the exported network, and the model folder."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vectortag
from vectortag.data.records import Record
from vectortag.embedder import Embedder
from vectortag.errors import PhotoError, TrainingError
from vectortag.evaluation import Report, make_report
from vectortag.head import Block, Head
from vectortag.hierarchy import Hierarchy
from vectortag.manifest import Backbone as BackboneInfo
from vectortag.model_folder import ModelFolder, write_model_folder
from vectortag.preprocess import PixelRecipe
from vectortag.session import Session
from vectortag.tagger import Tagger
from vectortag.train import processes
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import TrainingData
from vectortag.train.engine import Trained
from vectortag.train.export import PARITY, Exported, open_network
from vectortag.train.model_card import write_card
from vectortag.train.network import Backbone, to_block
from vectortag.train.operating_point import cross_fitted, fit_operating_point
from vectortag.train.report import Validation, write_report
from vectortag.types import FloatArray

BACKGROUND_PHOTOS = 1000

log = logging.getLogger(__name__)


def finish(
    config: TrainConfig,
    data: TrainingData,
    trained: Trained,
    exported: Exported,
    backbone: Backbone,
    output: Path,
    *,
    seconds: float,
) -> ModelFolder:
    """Write the model folder `output`/`config.name` and the report beside it.

    Raises:
        TrainingError: the head in numpy gives other logits than torch.
        ModelFolderError: the folder cannot be written.
    """
    size = config.backbone.image_size
    block = to_block(trained.head)
    head, targets = Head((block,)), data.validation.targets
    session = open_network(exported.network, "exact")
    embeddings = _embed(session, data.validation.records, size)
    _check_head(trained, block, embeddings)
    logits, hierarchy = head.logits(embeddings), Hierarchy.of(data.tags, data.taxonomy)
    fields: dict[str, Any] = {
        "name": config.name,
        "tags": data.tags,
        "backbone": BackboneInfo(
            architecture=config.backbone.architecture, width=backbone.width, stride=backbone.stride
        ),
        "pixels": PixelRecipe(),
        "operating_points": (fit_operating_point(logits, targets, hierarchy, size),),
        "data_sets": data.data_sets,
        "taxonomy": data.taxonomy,
        "provenance": _provenance(config, trained, exported, seconds),
    }

    background = _background(session, data.training.records, config)

    def write(path: Path, metrics: dict[str, Any]) -> ModelFolder:
        return write_model_folder(
            path,
            network=exported.network,
            head=head,
            card=write_card,
            background=background,
            metrics=metrics,
            **fields,
        )

    with tempfile.TemporaryDirectory() as scratch:  # the figures are those of a folder, so there must be one first
        draft = write(Path(scratch) / config.name, {})
        tagger = Tagger(draft, Embedder(session, draft.manifest.pixels, size))
        reports = _reports(tagger, data, embeddings)
    metrics = {report.data: report.summary() for report in reports}
    metrics["cross_fitted"] = cross_fitted(logits, targets, hierarchy, seed=config.seed)
    folder = write(output / config.name, metrics)
    validation = Validation(Tagger(folder, tagger.embedder), data.validation, embeddings)
    write_report(output / f"{config.name}.run" / "report", trained, validation, reports)
    log.info("wrote %s", folder.path)
    return folder


def _embed(session: Session, records: Sequence[Record], size: int) -> FloatArray:
    """(N, K) embeddings by the code that tags."""
    embedder = Embedder(session, PixelRecipe(), size)
    rows = []
    for record, (_, embedding) in zip(records, embedder.embed_many(r.path for r in records), strict=True):
        if isinstance(embedding, PhotoError):
            raise TrainingError(f"{record.dataset}, row {record.row}: {embedding}. List all: vectortag check DATA")
        rows.append(embedding)
    return np.stack(rows)


def _background(session: Session, records: Sequence[Record], config: TrainConfig) -> FloatArray:
    """Embeddings (B, K) of training photos drawn at random, for tags that are added later."""
    chosen = np.random.default_rng(config.seed).permutation(len(records))[:BACKGROUND_PHOTOS]
    return _embed(session, [records[row] for row in np.sort(chosen)], config.backbone.image_size)


def _check_head(trained: Trained, block: Block, embeddings: FloatArray) -> None:
    some = embeddings[:64]
    with torch.inference_mode():
        difference = float(np.abs(trained.head(torch.from_numpy(some)).numpy() - block.logits(some)).max())
    if difference > PARITY:
        raise TrainingError(f"the head in numpy differs from torch by {difference:.2g}, more than {PARITY:.0e}")


def _reports(tagger: Tagger, data: TrainingData, embeddings: FloatArray) -> list[Report]:
    """The figures on the validation part of each data set."""
    scores = tagger.scores(embeddings)
    names = np.array([record.dataset for record in data.validation.records])
    return [
        make_report(
            tagger, scores[names == info.name], data.validation.targets[names == info.name], data=info.name, split="val"
        )
        for info in data.data_sets
    ]


def _provenance(config: TrainConfig, trained: Trained, exported: Exported, seconds: float) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    for data in settings["data"]:
        del data["csv"]  # a path of the machine that trained says nothing to anyone else
    if config.backbone.init != "pretrained":
        settings["backbone"]["init"] = Path(config.backbone.init).name
    return {
        "vectortag": vectortag.__version__,
        "torch": torch.__version__,
        "config": settings,
        "epochs": [asdict(epoch) for epoch in trained.epochs],
        "best_epoch": trained.best + 1,
        "processes": processes.count(),
        "seconds": round(seconds),
        "export": {"float32_difference": exported.float32_difference, "fp16_difference": exported.fp16_difference},
    }

"""From a fitted head to a model folder and its report: calibration, thresholds and figures, by the code that tags."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vectortag.classifier import Classifier
from vectortag.data.training import TrainingData
from vectortag.embedder import Embedder
from vectortag.evaluation import Report, make_report
from vectortag.head import Head
from vectortag.hierarchy import Hierarchy
from vectortag.manifest import Backbone
from vectortag.model_card import write_card
from vectortag.model_folder import ModelFolder, write_model_folder
from vectortag.operating_point import cross_fitted, fit_operating_point
from vectortag.report.curves import Learning
from vectortag.report.write import Validation, write_report
from vectortag.tagger import Tagger
from vectortag.types import FloatArray

BACKGROUND_PHOTOS = 1000

log = logging.getLogger(__name__)


def finish_model(
    path: Path,
    *,
    report: Path,
    network: bytes,
    embedder: Embedder,
    backbone: Backbone,
    head: Head,
    data: TrainingData,
    validation: FloatArray,
    background: FloatArray,
    classifier: Classifier | None,
    learning: Learning,
    provenance: dict[str, Any],
    seed: int,
) -> ModelFolder:
    """Write a model folder, and a report of how it was made.

    Args:
        path: the model folder; its last part is the model's name.
        report: the folder of the report.
        network: the ONNX file that `embedder` runs.
        validation: (N, K) embeddings of the validation photos.
        background: (B, K) embeddings that later tags are fitted against.
        classifier: what the backbone was pretrained with, where it still knows that.

    Raises:
        ModelFolderError: the folder cannot be written.
        TrainingError: the report cannot be written.
    """
    logits, targets = head.logits(validation), data.validation.targets
    hierarchy = Hierarchy.of(data.tags, data.taxonomy)
    fields: dict[str, Any] = {
        "name": path.name,
        "tags": data.tags,
        "backbone": backbone,
        "pixels": embedder.recipe,
        "operating_points": (fit_operating_point(logits, targets, hierarchy, embedder.size),),
        "data_sets": data.data_sets,
        "taxonomy": data.taxonomy,
        "provenance": provenance,
    }

    def write(where: Path, metrics: dict[str, Any]) -> Tagger:
        folder = write_model_folder(
            where,
            network=network,
            head=head,
            card=write_card,
            background=background,
            classifier=classifier,
            metrics=metrics,
            **fields,
        )
        return Tagger(folder, embedder)

    with tempfile.TemporaryDirectory() as scratch:  # the figures are those of a folder, so there must be one first
        reports = _reports(write(Path(scratch) / path.name, {}), data, validation)
    metrics = {one.data: one.summary() for one in reports}
    metrics["cross_fitted"] = cross_fitted(logits, targets, hierarchy, seed=seed)
    tagger = write(path, metrics)
    write_report(report, learning, Validation(tagger, data.validation, validation), reports)
    log.info("wrote %s", path)
    return tagger.folder


def _reports(tagger: Tagger, data: TrainingData, validation: FloatArray) -> list[Report]:
    """The figures on the validation part of each data set."""
    scores, targets = tagger.scores(validation), data.validation.targets
    names = np.array([record.dataset for record in data.validation.records])
    return [
        make_report(tagger, scores[names == info.name], targets[names == info.name], data=info.name, split="val")
        for info in data.data_sets
    ]

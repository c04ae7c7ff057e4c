"""From a fitted head to a model folder and its report: calibration, thresholds and figures, by the code that tags."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

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
    validation: Mapping[int, FloatArray],
    background: FloatArray,
    learning: Learning,
    provenance: dict[str, Any],
    seed: int,
) -> ModelFolder:
    """Write a model folder, and a report of how it was made.

    Args:
        path: the model folder; its last part is the model's name.
        report: the folder of the report.
        network: the ONNX file that `embedder` runs.
        validation: by input size, (N, K) embeddings of the validation photos: for the size of `embedder`, which is the
            default, and for each other one that the model is to offer.
        background: (B, K) embeddings that later tags are fitted against.

    Raises:
        ModelFolderError: the folder cannot be written.
        TrainingError: the report cannot be written.
    """
    targets, hierarchy = data.validation.targets, Hierarchy.of(data.tags, data.taxonomy)
    sizes = sorted(validation, key=lambda size: (size != embedder.size, size))
    logits = {size: head.logits(validation[size]) for size in sizes}
    fields: dict[str, Any] = {
        "name": path.name,
        "tags": data.tags,
        "backbone": backbone,
        "pixels": embedder.recipe,
        "operating_points": tuple(fit_operating_point(of, targets, hierarchy, size) for size, of in logits.items()),
        "data_sets": data.data_sets,
        "taxonomy": data.taxonomy,
        "provenance": provenance,
    }

    def write(where: Path, metrics: dict[str, Any]) -> Tagger:
        folder = write_model_folder(
            where, network=network, head=head, card=write_card, background=background, metrics=metrics, **fields
        )
        return Tagger(folder, embedder)

    with tempfile.TemporaryDirectory() as scratch:  # the figures are those of a folder, so there must be one first
        first = write(Path(scratch) / path.name, {})
        reports = {
            size: _reports(Tagger(first.folder, embedder.at(size)), data, embeddings)
            for size, embeddings in validation.items()
        }
    metrics: dict[int, dict[str, Any]] = {
        size: {one.data: one.summary() for one in reports[size]}
        | {"cross_fitted": cross_fitted(logits[size], targets, hierarchy, seed=seed)}
        for size in sizes
    }
    others = {str(size): metrics[size] for size in sizes[1:]}
    tagger = write(path, metrics[sizes[0]] | ({"sizes": others} if others else {}))
    write_report(report, learning, Validation(tagger, data.validation, validation[sizes[0]]), reports[sizes[0]])
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

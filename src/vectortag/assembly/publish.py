"""From a fitted head to a model folder and its report: calibration, thresholds and figures, by the code that tags."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from vectortag.assembly.operating_point import CrossFitted, cross_fit, fit_operating_point, rounded
from vectortag.core.types import UNKNOWN, FloatArray
from vectortag.data.training import Part, TrainingData
from vectortag.evaluation.evaluate import Report, as_plain, make_report
from vectortag.evaluation.metrics import average_precision
from vectortag.evaluation.model_card import write_card
from vectortag.evaluation.report.curves import Learning
from vectortag.evaluation.report.write import Validation, write_report
from vectortag.inference.tagger import Tagger
from vectortag.model.class_groups import Borrowed, borrow, borrowed_tags, group_block
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder, write_model_folder
from vectortag.model.head import Head, LinearBlock, MlpBlock, with_fp16_matrices
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.manifest import Backbone, OperatingPoint
from vectortag.model.words.similarity import Words
from vectortag.runtime.embedder import Embedder

BACKGROUND_PHOTOS = 1000

SHOWN = 10
"""Tags that a warning names."""

log = logging.getLogger(__name__)


def finish_model(
    path: Path,
    *,
    report: Path,
    network: bytes,
    embedder: Embedder,
    backbone: Backbone,
    block: MlpBlock | LinearBlock,
    data: TrainingData,
    validation: Mapping[int, FloatArray],
    background: FloatArray,
    classifier: Classifier | None,
    learning: Learning,
    provenance: dict[str, Any],
    seed: int,
    words: Words | None = None,
) -> ModelFolder:
    """Write a model folder, and a report of how it was made.

    The tags of `data.borrowed` go to a second block of the head, made of the classifier's classes.

    Args:
        path: the model folder; its last part is the model's name.
        report: the folder of the report.
        network: the ONNX file that `embedder` runs.
        block: the fitted head, of the tags of `data`; its matrices are rounded to fp16 before anything is measured.
        validation: by input size, (N, K) embeddings of the validation photos: for the size of `embedder`, which is the
            default, and for each other one that the model is to offer.
        background: (B, K) embeddings that later tags are fitted against.
        classifier: what the backbone was pretrained with, where it still knows that.
        words: what the backbone was taught of words, if it was.

    Raises:
        ModelFolderError: the folder cannot be written.
        TrainingError: the report cannot be written.
    """
    block = with_fp16_matrices(block)
    head, hierarchy = Head((block,)), Hierarchy.of(data.all_tags, data.taxonomy)
    if classifier is not None and data.borrowed:
        head = Head((block, group_block(classifier, data.taxonomy, data.borrowed)))
    sizes = sorted(validation, key=lambda size: (size != embedder.size, size))
    fitted = [_fit(head, hierarchy, data, classifier, validation[size], size=size, seed=seed) for size in sizes]
    fields: dict[str, Any] = {
        "name": path.name,
        "tags": data.all_tags,
        "backbone": backbone,
        "pixels": embedder.recipe,
        "operating_points": tuple(point for point, _ in fitted),
        "data_sets": data.data_sets,
        "taxonomy": replace(data.taxonomy, groups={}),  # they stand in the head
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
            words=words,
            metrics=metrics,
            **fields,
        )
        return Tagger(folder, embedder)

    with tempfile.TemporaryDirectory() as scratch:  # the figures are those of a folder, so there must be one first
        folder = write(Path(scratch) / path.name, {}).folder
        reports = [_reports(Tagger(folder, embedder.at(size)), data, validation[size]) for size in sizes]
    metrics, *others = (
        {one.data: one.summary() for one in of_size} | {"cross_fitted": as_plain(cross.summary())}
        for of_size, (_, cross) in zip(reports, fitted, strict=True)
    )
    if others:
        metrics["sizes"] = {str(size): figures for size, figures in zip(sizes[1:], others, strict=True)}
    judged = Part(data.validation.records, data.judged)
    metrics |= _of_tags(Tagger(folder, embedder), fitted[0][1], validation[sizes[0]])
    tagger = write(path, metrics)
    write_report(report, learning, Validation(tagger, judged, validation[sizes[0]]), reports[0])
    _warn_of_silent_tags(tagger, data, validation[sizes[0]])
    log.info("wrote %s", path)
    return tagger.folder


def _warn_of_silent_tags(tagger: Tagger, data: TrainingData, validation: FloatArray) -> None:
    """Log which tags the model cannot show, and why."""
    scores = tagger.scores(validation)
    if not (scores >= tagger.thresholds).any():
        log.warning(
            "no tag reaches its threshold on any validation photo, so the model shows nothing: "
            "train longer, or with more photos for each tag"
        )
    learnt = (data.training.targets != UNKNOWN).any(axis=0)
    parents = {parent for tag in data.all_tags for parent in data.taxonomy.ancestors(tag)}
    alone = [tag for tag, learns in zip(data.tags, learnt, strict=True) if not learns and tag not in parents]
    if alone:
        log.warning("%s: no training photo is known to lack it, so nothing is learnt: add photos without", _few(alone))
    thresholds = zip(tagger.tags, tagger.thresholds, strict=True)
    if hidden := [tag for tag, threshold in thresholds if np.isnan(threshold) and tag not in alone]:
        log.warning("%s: no validation photo allows a threshold, so it is never shown: add photos", _few(hidden))


def _few(tags: Sequence[str]) -> str:
    """The first tags of a list, and how many more there are."""
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    return ", ".join(tags[:SHOWN]) + more


def _fit(
    head: Head,
    hierarchy: Hierarchy,
    data: TrainingData,
    classifier: Classifier | None,
    embeddings: FloatArray,
    *,
    size: int,
    seed: int,
) -> tuple[OperatingPoint, CrossFitted]:
    """Calibration and thresholds at one input size, and what they are worth: (N, K) of the validation photos."""
    borrowed = _borrow(classifier, data, embeddings) if classifier is not None and data.borrowed else None
    careful = [place for place, tag in enumerate(data.all_tags) if tag in data.taxonomy.careful]
    logits = head.logits(embeddings)
    point = fit_operating_point(logits, data.judged, hierarchy, size, borrowed=borrowed, careful=careful)
    cross = cross_fit(
        logits,
        data.judged,
        hierarchy,
        seed=seed,
        borrowed=borrowed,
        careful=careful,
        sets=data.validation.sets,
    )
    return point, cross


def _of_tags(tagger: Tagger, cross: CrossFitted, validation: FloatArray) -> dict[str, Any]:
    """What the model card shows of each tag, and how honest scores are, at the default size."""
    precisions = rounded(average_precision(tagger.scores(validation), cross.targets))
    per_tag = cross.per_tag() | {"average_precision": precisions}
    return as_plain({"per_tag": per_tag, "reliability": cross.reliability()})


def _borrow(classifier: Classifier, data: TrainingData, validation: FloatArray) -> Borrowed:
    """How far groups can be trusted: judged by those whose tags are taught."""
    taught = [tag for tag in data.tags if tag in borrowed_tags(data.taxonomy, classifier.names, ())]
    logits = group_block(classifier, data.taxonomy, taught).logits(validation)
    places = [data.tags.index(tag) for tag in taught]
    return borrow(logits, data.validation.targets[:, places], first=len(data.tags))


def _reports(tagger: Tagger, data: TrainingData, validation: FloatArray) -> list[Report]:
    """The figures on the validation part of each data set."""
    scores, targets, sets = tagger.scores(validation), data.judged, data.validation.sets
    return [
        make_report(tagger, scores[sets == info.name], targets[sets == info.name], data=info.name, split="val")
        for info in data.data_sets
    ]

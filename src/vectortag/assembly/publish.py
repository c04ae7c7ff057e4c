"""From a fitted head to a model folder and its report: calibration, thresholds and figures, by the code that tags."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from vectortag.assembly.across_sources import (
    Evidence,
    fit_across,
    judged_by,
    left_out_figures,
    tags_of_one_source,
    with_borrowed,
)
from vectortag.assembly.cross_validation import CrossValidation
from vectortag.assembly.doubts import doubts_csv, doubts_page
from vectortag.assembly.operating_point import CrossFitted, calibrate, cross_fit, rounded
from vectortag.core.errors import TrainingError
from vectortag.core.types import UNKNOWN, FloatArray
from vectortag.core.writing import ORDINARY, replace_file
from vectortag.data.training import Part, TrainingData
from vectortag.data.vocabulary import record_tags
from vectortag.evaluation.evaluate import Report, as_plain, make_report
from vectortag.evaluation.metrics import average_precision
from vectortag.evaluation.model_card import write_card
from vectortag.evaluation.report.write import Validation, write_report
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import JointBlock, LinearBlock, MlpBlock, with_fp16_matrices
from vectortag.model.calibration import Calibration
from vectortag.model.class_groups import Borrowed, borrow, borrowed_tags, group_block
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.history import Learning
from vectortag.model.manifest import Backbone, OperatingPoint
from vectortag.model.words.similarity import Words
from vectortag.model.write_folder import write_model_folder
from vectortag.runtime.embedder import Embedder

BACKGROUND_PHOTOS = 1000

SHOWN = 10
"""Tags that a warning names."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """A fitted head with all that becomes a model folder together with it. N validation photos, K the width."""

    # The network
    network: bytes  # the ONNX file that `embedder` runs
    embedder: Embedder  # at the default input size
    backbone: Backbone  # what the manifest says of the network
    classifier: Classifier | None  # what the backbone was pretrained with, where it still fits
    words: Words | None = None  # what the backbone was taught of words, if it was

    # The head and what it was fitted on
    block: MlpBlock | JointBlock | LinearBlock  # of the tags of `data`
    data: TrainingData
    background: FloatArray  # (B, K) embeddings that later tags are fitted against

    # What calibration, thresholds and figures come from
    validation: Mapping[int, FloatArray]  # (N, K) embeddings by input size: each size that the model is to offer
    seed: int  # of the halves for the honest figures
    evidence: Evidence | None = None  # of sources that heads had not seen: calibration and thresholds are fitted on it

    cross_validation: CrossValidation | None = None  # of heads that had not learnt the photos, over folds

    # How it came to be
    learning: Learning  # the figures of each epoch
    provenance: Mapping[str, Any]  # for the manifest

    @property
    def sizes(self) -> list[int]:
        """The input sizes that the model offers, the default first."""
        return sorted(self.validation, key=lambda size: (size != self.embedder.size, size))


def publish_model(path: Path, fitted: FittedModel, *, report: Path) -> ModelFolder:
    """Write a model folder, and a report of how it was made.

    The tags of `data.borrowed` go to a second block of the head, made of the classifier's classes. The matrices of the
    fitted block are rounded to fp16 before anything is measured.

    Args:
        path: the model folder; its last part is the model's name.
        report: the folder of the report.

    Raises:
        ModelFolderError: the folder cannot be written.
        TrainingError: the report cannot be written.
    """
    data, embedder, sizes, validation = fitted.data, fitted.embedder, fitted.sizes, fitted.validation
    head, hierarchy = _head_of(fitted), Hierarchy.of(data.all_tags, data.taxonomy)
    calibrated = [_calibrate(fitted, head, hierarchy, size) for size in sizes]
    points = tuple(OperatingPoint.of(size, one) for size, (one, _) in zip(sizes, calibrated, strict=True))
    crosses = [cross for _, cross in calibrated]
    with tempfile.TemporaryDirectory() as scratch:  # the figures are those of a folder, so there must be one first
        folder = _write(Path(scratch) / path.name, fitted, head, points, {})
        reports = [_reports(Tagger(folder, embedder.at(size)), data, validation[size]) for size in sizes]
    by_size: list[dict[str, Any]] = [
        {one.data: one.summary() for one in of_size} | {"cross_fitted": as_plain(cross.summary())}
        for of_size, cross in zip(reports, crosses, strict=True)
    ]
    metrics, *others = by_size
    if fitted.evidence is not None:
        whole = with_borrowed(fitted.evidence, len(data.borrowed))
        metrics["left_out"] = left_out_figures(whole, calibrated[0][0], hierarchy, data.all_tags)
        metrics["one_source"] = tags_of_one_source(fitted.evidence, data.tags)
    if others:
        metrics["sizes"] = {str(size): figures for size, figures in zip(sizes[1:], others, strict=True)}
    if fitted.cross_validation is not None:
        metrics["folds"] = fitted.cross_validation.summary()
    metrics |= _of_tags(Tagger(folder, embedder), crosses[0], validation[sizes[0]])
    tagger = Tagger(_write(path, fitted, head, points, metrics), embedder)
    judged = Part(data.validation.records, data.judged)
    write_report(report, fitted.learning, Validation(tagger, judged, validation[sizes[0]]), reports[0])
    if fitted.cross_validation is not None:
        _write_folds(report, fitted.cross_validation)
    _warn_of_silent_tags(tagger, data, validation[sizes[0]])
    log.info("wrote %s", path)
    return tagger.folder


def _write_folds(report: Path, crossed: CrossValidation) -> None:
    """Write the out-of-fold scores, and the labels that look wrong to them.

    Raises:
        TrainingError: a file cannot be written.
    """
    doubts = crossed.doubts, crossed.tags, crossed.records
    files = {
        "out_of_fold.npz": crossed.to_npz(),
        "label_errors.csv": doubts_csv(*doubts),
        "label_errors.html": doubts_page(*doubts, labels=crossed.labels),
    }
    try:
        for name, content in files.items():
            replace_file(report / name, content, mode=ORDINARY)
    except OSError as error:
        raise TrainingError(f"{report}: the report cannot be written: {error.strerror or error}") from error


def _head_of(fitted: FittedModel) -> Head:
    """The fitted block, rounded to fp16, and where tags are borrowed, the block of their groups of classes."""
    block, data = with_fp16_matrices(fitted.block), fitted.data
    if fitted.classifier is None or not data.borrowed:
        return Head((block,))
    return Head((block, group_block(fitted.classifier, data.taxonomy, data.borrowed)))


def _write(
    path: Path, fitted: FittedModel, head: Head, points: tuple[OperatingPoint, ...], metrics: Mapping[str, Any]
) -> ModelFolder:
    return write_model_folder(
        path,
        network=fitted.network,
        head=head,
        card=write_card,
        background=fitted.background,
        classifier=fitted.classifier,
        words=fitted.words,
        name=path.name,
        tags=fitted.data.all_tags,
        backbone=fitted.backbone,
        pixels=fitted.embedder.recipe,
        operating_points=points,
        data_sets=fitted.data.data_sets,
        taxonomy=replace(fitted.data.taxonomy, groups={}),  # the head has them
        metrics=metrics,
        provenance=fitted.provenance,
    )


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
    everywhere = _on_every_photo(data) if alone else set()
    if common := [tag for tag in alone if tag in everywhere]:
        log.warning("%s: every training photo has it, so nothing is learnt: add photos without it", _few(common))
    if unsaid := [tag for tag in alone if tag not in everywhere]:
        log.warning(
            "%s: nothing is learnt, since a photo that is not labelled with it may show it: the data set also names "
            "narrower tags. If the set names it wherever it shows it, say so under [complete] in the taxonomy, or take "
            'the words as they are (fit: --raw; train: vocabulary.taxonomy = "none")',
            _few(unsaid),
        )
    thresholds = zip(tagger.tags, tagger.thresholds, strict=True)
    if hidden := [tag for tag, threshold in thresholds if np.isnan(threshold) and tag not in alone]:
        log.warning(
            "%s: no threshold can be chosen on the validation photos, so it is never shown: add photos", _few(hidden)
        )


def _on_every_photo(data: TrainingData) -> set[str]:
    tags = (record_tags(record, data.taxonomy) for record in data.training.records)
    return set.intersection(*tags) if data.training.records else set()


def _few(tags: Sequence[str]) -> str:
    """The first tags of a list, and how many more there are."""
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    return ", ".join(tags[:SHOWN]) + more


def _calibrate(fitted: FittedModel, head: Head, hierarchy: Hierarchy, size: int) -> tuple[Calibration, CrossFitted]:
    """The calibration at one input size, and an honest estimate of what it is worth."""
    data, embeddings = fitted.data, fitted.validation[size]
    borrowed = _borrow(fitted.classifier, data, embeddings) if fitted.classifier is not None and data.borrowed else None
    careful = [index for index, tag in enumerate(data.all_tags) if tag in data.taxonomy.careful]
    logits = head.logits(embeddings)
    if fitted.evidence is not None:
        whole, first = with_borrowed(fitted.evidence, len(data.borrowed)), len(data.tags) if data.borrowed else None
        calibration = fit_across(whole, hierarchy, first_borrowed=first, careful=careful)
        return calibration, judged_by(calibration, logits, data.judged, hierarchy, sets=data.validation.sets)
    cross = cross_fit(
        logits,
        data.judged,
        hierarchy,
        seed=fitted.seed,
        borrowed=borrowed,
        careful=careful,
        sets=data.validation.sets,
    )
    return calibrate(logits, data.judged, hierarchy, borrowed=borrowed, careful=careful), cross


def _of_tags(tagger: Tagger, cross: CrossFitted, validation: FloatArray) -> dict[str, Any]:
    """What the model card shows of each tag, and how honest scores are, at the default size."""
    precisions = rounded(average_precision(tagger.scores(validation), cross.targets))
    per_tag = cross.per_tag() | {"average_precision": precisions}
    return as_plain({"per_tag": per_tag, "reliability": cross.reliability()})


def _borrow(classifier: Classifier, data: TrainingData, validation: FloatArray) -> Borrowed:
    """The calibration that untaught tags borrow: that of the groups whose tags are taught."""
    taught = [tag for tag in data.tags if tag in borrowed_tags(data.taxonomy, classifier.names, ())]
    logits = group_block(classifier, data.taxonomy, taught).logits(validation)
    columns = [data.tags.index(tag) for tag in taught]
    return borrow(logits, data.validation.targets[:, columns], first=len(data.tags))


def _reports(tagger: Tagger, data: TrainingData, validation: FloatArray) -> list[Report]:
    """The figures on the validation part of each data set."""
    scores, targets, sets = tagger.scores(validation), data.judged, data.validation.sets
    return [
        make_report(tagger, scores[sets == info.name], targets[sets == info.name], data=info.name, split="val")
        for info in data.data_sets
    ]

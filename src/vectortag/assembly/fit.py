"""Fit a user's own vocabulary: from tagged photos to a model folder, in minutes on a CPU and without torch.

photos and their words -> embeddings, kept in the cache      embed_photos_of
photos and their words -> tags, targets, a split             prepare_training_data
embeddings and targets -> the head of the best epoch         fit_head
all of it              -> a model folder and its report      publish_model
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from vectortag.assembly.cross_validation import CrossValidation, cross_validate
from vectortag.assembly.mlp import FIT_OPTIONS, class_weights, fit_mlp, masked_bce
from vectortag.assembly.provenance import data_provenance
from vectortag.assembly.publish import BACKGROUND_PHOTOS, FittedModel, publish_model
from vectortag.core.errors import ConfigError, DataError
from vectortag.core.folders import data_home, report_folder
from vectortag.core.types import FloatArray
from vectortag.core.version import __version__
from vectortag.data.copies import fingerprints_of, groups_among
from vectortag.data.embedding_cache import Embeddings
from vectortag.data.records import DataSet, Record
from vectortag.data.training import DataOptions, TrainingData, prepare_training_data
from vectortag.data.usable import embed_data_set, embed_photos_of, read_usable
from vectortag.evaluation.metrics import average_precision, mean_over_tags
from vectortag.model.blocks import MlpBlock
from vectortag.model.folder import NETWORK, ModelFolder, check_destination
from vectortag.model.history import Epoch, Learning
from vectortag.model.manifest import NAME
from vectortag.model.precision import open_model
from vectortag.model.registry import find_model_folder, shipped_models
from vectortag.model.taxonomy import load_taxonomy
from vectortag.runtime.embedder import Embedder

log = logging.getLogger(__name__)

EPOCHS = 25
FEWEST_STEPS, MOST_EPOCHS = 3000, 150
"""A small data set gets more epochs, so that the fit converges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What `fit` learns, and how; its docstring says what they mean."""

    taxonomy: str = "default"
    top_k: int | None = None
    min_photos: int = 5
    validation: float = 0.2
    max_positive_weight: float = 1.0
    folds: int | None = None
    seed: int = 1


class FitKeywords(TypedDict, total=False):
    """The fields of `FitOptions` as keyword arguments."""

    taxonomy: str
    top_k: int | None
    min_photos: int
    validation: float
    max_positive_weight: float
    folds: int | None
    seed: int


def fit(
    data: str | Path | DataSet,
    *,
    name: str | None = None,
    model: str | Path | None = None,
    skip_bad_rows: bool = False,
    overwrite: bool = False,
    **options: Unpack[FitKeywords],
) -> ModelFolder:
    """Fit a new head on a model's backbone, and write it as a model of that name to the user's data folder.

    Args:
        data: a metadata.csv, its folder, or a folder of photos that carry keywords.
        name: what the model is called from then on: `Tagger.load(name)`; None is the name of the data's folder.
        model: whose backbone; None is the default model.
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.
        overwrite: replace an older model of that name.
        options: what is learnt, and how:

            - `taxonomy`: "default", "none" (the words as they are), or the path of a file.
            - `top_k`, `min_photos`: at most `top_k` tags, each with at least `min_photos` photos; all, and 5.
            - `validation`: the share of photos held out for thresholds and figures, where there is no column `split`;
              0.2.
            - `max_positive_weight`: the class weights N_neg / N_pos are clamped to [1, this]; 1, which is none.
            - `folds`: also judge all photos by heads that have not learnt them, of so many folds and with the same
              tags: mean and deviation in the card, scores and labels that look wrong in the report's folder.
            - `seed`: of the split and the fit; 1.

    Raises:
        DataError: the data cannot be read or split, or no tag is frequent enough.
        ConfigError: the name is taken, or there are fewer photos than folds, or fewer than two folds.
        UnknownModelError, ModelFolderError, TaxonomyError: as `Tagger.load`; the taxonomy is wrong.
    """
    started, chosen = time.monotonic(), FitOptions(**options)
    photos = data if isinstance(data, DataSet) else read_usable(data, skip_bad_rows=skip_bad_rows)
    path = _model_path(photos.name if name is None else name, overwrite=overwrite)
    base = find_model_folder(model)
    embedder = _embedder(base)
    photos, embeddings = embed_data_set(embedder, base, photos, skip_bad_rows=skip_bad_rows)
    prepared = _prepared(photos, chosen)
    training, kept = (_rows(embeddings, part.records) for part in (prepared.training, prepared.validation))
    seed, weight = chosen.seed, chosen.max_positive_weight
    block, learning = fit_head(training, kept, prepared, max_positive_weight=weight, seed=seed)
    fitted = FittedModel(
        network=(base.path / NETWORK).read_bytes(),
        embedder=embedder,
        backbone=base.manifest.backbone,
        classifier=base.classifier,
        words=base.words,
        block=block,
        data=prepared,
        background=_background(training, base.background, seed),
        validation=_at_other_sizes(embedder, base, prepared.validation.records) | {embedder.size: kept},
        seed=seed,
        learning=learning,
        cross_validation=_cross_validated(photos, prepared, embeddings, learning, chosen),
        provenance=_provenance(base, learning, weight, seed) | data_provenance(prepared, started),
    )
    return publish_model(path, fitted, report=report_folder(path.name))


def _prepared(photos: DataSet, options: FitOptions) -> TrainingData:
    chosen = DataOptions(
        top_k=options.top_k, min_photos=options.min_photos, validation=options.validation, seed=options.seed
    )
    prepared = prepare_training_data([photos], load_taxonomy(options.taxonomy), chosen)
    log.info("%d tags, %d training photos", len(prepared.tags), len(prepared.training.records))
    return prepared


def _cross_validated(
    photos: DataSet, data: TrainingData, embeddings: Embeddings, learning: Learning, options: FitOptions
) -> CrossValidation | None:
    """Heads of as many epochs as the kept one; photos that show one picture share a fold."""
    if options.folds is None:
        return None
    records = (*data.training.records, *data.validation.records)
    log.info("fitting %d heads more, for %d folds", options.folds, options.folds)
    return cross_validate(
        _rows(embeddings, records),
        np.concatenate([data.training.targets, data.validation.targets]),
        data.tags,
        records,
        folds=options.folds,
        epochs=learning.best + 1,
        groups=groups_among([record.path for record in records], fingerprints_of(photos)[0]),
        seed=options.seed,
    )


def _embedder(base: ModelFolder) -> Embedder:
    """In the precision that ships with the new head, and that its thresholds are for."""
    return Embedder(open_model(base, precision="exact"), base.manifest.pixels, base.manifest.sizes[0])


def _provenance(base: ModelFolder, learning: Learning, max_positive_weight: float, seed: int) -> dict[str, Any]:
    of_base = base.manifest.provenance
    return {
        "vectortag": __version__,
        "base": base.id,
        **{package: of_base[package] for package in ("timm", "torch") if package in of_base},  # made its network
        "config": {"backbone": _origin(base), "max_positive_weight": max_positive_weight, "seed": seed},
        **learning.to_plain(),
    }


def fit_head(
    training: FloatArray, validation: FloatArray, data: TrainingData, *, max_positive_weight: float, seed: int
) -> tuple[MlpBlock, Learning]:
    """Fit the head, and keep the epoch that ranks validation photos best.

    Args:
        training, validation: (N, K) embeddings, aligned with the parts of `data`.
    """
    targets, judged = data.training.targets, data.validation.targets
    weights = class_weights(targets, max_positive_weight)
    epochs: list[Epoch] = []
    kept: list[tuple[tuple[float, float], int, MlpBlock]] = []

    def after_epoch(head: MlpBlock) -> None:
        logits = head.logits(validation)
        precision = mean_over_tags(average_precision(logits, judged))
        trained = masked_bce(head.logits(training), targets, weights)
        epoch = Epoch(trained, masked_bce(logits, judged, weights), precision)
        if not kept or _worth(epoch) > kept[0][0]:
            kept[:] = [(_worth(epoch), len(epochs), head)]
        epochs.append(epoch)

    count = min(max(EPOCHS, math.ceil(FEWEST_STEPS / math.ceil(len(training) / FIT_OPTIONS.batch_size))), MOST_EPOCHS)
    fit_mlp(
        training,
        targets,
        replace(FIT_OPTIONS, epochs=count, seed=seed),
        weights=weights,
        after_epoch=after_epoch,
    )
    _, best, head = kept[0]
    log.info("epoch %d of %d is the best: %s", best + 1, len(epochs), epochs[best])
    return head, Learning(tuple(epochs), best)


def _worth(epoch: Epoch) -> tuple[float, float]:
    """Mean average precision; the loss if no tag can be judged, or two epochs are alike."""
    return (0.0 if math.isnan(epoch.val_map) else epoch.val_map), -epoch.val_loss


def _model_path(name: str, *, overwrite: bool) -> Path:
    """The folder of a model of that name."""
    if not re.match(NAME, name):
        raise ConfigError(f'a model\'s name has letters, digits, ".", "-" and "_", got "{name}"')
    if name in {folder.name for folder in shipped_models()}:
        raise ConfigError(f'"{name}" is a model that ships with VectorTag. Choose another name')
    path = data_home() / "models" / name
    if path.exists() and not overwrite:
        raise ConfigError(f"{path}: there is a model of that name already. Choose another, or pass --overwrite")
    check_destination(path)
    return path


def _rows(embeddings: Embeddings, records: Sequence[Record]) -> FloatArray:
    return np.stack([embeddings[record.path] for record in records])


def _at_other_sizes(embedder: Embedder, base: ModelFolder, records: Sequence[Record]) -> dict[int, FloatArray]:
    """The embeddings of photos at each further size that the base model offers, so that the new model offers it, too.

    Raises:
        DataError: a photo can no longer be read.
    """
    found = {}
    for size in base.manifest.sizes[1:]:
        embeddings, failed = embed_photos_of(embedder.at(size), base.manifest.files[NETWORK], records)
        if failed:
            raise DataError(f"{failed[0]}. It could be read before: run the command again")
        found[size] = _rows(embeddings, records)
    return found


def _background(training: FloatArray, of_base: FloatArray | None, seed: int) -> FloatArray:
    """Training photos drawn at random, filled up with the base model's background where they are few."""
    chosen = np.random.default_rng(seed).permutation(len(training))[:BACKGROUND_PHOTOS]
    own = training[np.sort(chosen)]
    return own if of_base is None else np.concatenate([own, of_base[: BACKGROUND_PHOTOS - len(own)]])


def _origin(base: ModelFolder) -> dict[str, Any]:
    """What the base model says of its backbone."""
    config: dict[str, Any] = base.manifest.provenance.get("config", {})
    backbone: dict[str, Any] = config.get("backbone", {})
    return backbone

"""Heads that have not seen a source: what they say of its photos is how calibration and thresholds are chosen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vectortag.assembly.across_sources import Evidence
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.data.records import Record, metadata_file
from vectortag.data.shards.reading import are_shards
from vectortag.data.spot_checks import checked_targets, read_spot_checks
from vectortag.data.training import Part, TrainingData
from vectortag.train.batches import Batch, Batches, BatchSampler, InOrder, Source, loader
from vectortag.train.config import TrainConfig
from vectortag.train.engine import fit
from vectortag.train.inputs import Inputs
from vectortag.train.joint import block_of
from vectortag.train.lightning_module import TagModule
from vectortag.train.losses import create_loss, to_float
from vectortag.train.run import LAST, WITHOUT

MOST_PHOTOS = 4000
"""Photos of a set that are judged; more of them would not move a curve."""

FEWEST_TAUGHT = 25
"""A head that has learnt a tag from fewer photos says nothing of it."""

LEAST_SHARE = 0.3
"""A head that has learnt a tag from so many times fewer photos than the fold has says too little of it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RowsOf:
    """Some rows of another source."""

    source: Source
    rows: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, batch: Batch) -> Tensor:
        return self.source.inputs(replace(batch, whole=self.rows[batch.whole]))


def folds_of(config: TrainConfig, part: Part) -> npt.NDArray[np.str_]:
    """(N,) the fold of each photo."""
    names = {data.name: data.fold or data.name for data in config.data}
    return np.array([names[record.dataset] for record in part.records], np.str_)


def evidence_across(
    config: TrainConfig,
    data: TrainingData,
    inputs: Inputs,
    trained: nn.Module,
    new_head: Callable[[], nn.Module],
    run: Path,
    *,
    resume: bool = False,
) -> Evidence:
    """Train a head without each fold in turn, and let it judge the training photos of that fold's sets.

    Of tags that mainly this fold teaches, its validation photos are judged instead, by the head of all photos.

    Args:
        trained: the head that has learnt all training photos.
        new_head: makes an untrained head.
        run: the folder for checkpoints and logs; each training gets one inside.
        resume: go on with each of these trainings after the last epoch that it finished.
    """
    random = np.random.default_rng(config.seed)
    folds, kept, sets = folds_of(config, data.training), folds_of(config, data.validation), data.training.sets
    short = config.model_copy(update={"epochs": max(1, config.epochs // 2)})
    judged, logits, known, kept_known = [], [], [], np.ones(data.validation.targets.shape, bool)
    for fold in np.unique(folds):
        log.info("without %s", fold)
        others, judging = np.flatnonzero(folds != fold), np.flatnonzero(kept != fold)
        own_run = run / f"{WITHOUT}{fold}"
        head = _trained(short, data, inputs, new_head(), others, judging, own_run, resume=resume)
        own = [
            random.permutation(np.flatnonzero(sets == name))[:MOST_PHOTOS] for name in np.unique(sets[folds == fold])
        ]
        rows = np.sort(np.concatenate(own))
        taught = _taught_without(data.training.targets, folds == fold)
        judged.append(rows)
        logits.append(block_of(head).logits(_embeddings(inputs.training, rows)))
        known.append(np.tile(taught, (len(rows), 1)))
        kept_known[kept == fold] = ~taught
    left_out = data.training.only(np.concatenate(judged))
    used = np.concatenate([*known, kept_known])  # (N, T)
    targets = np.concatenate([left_out.targets, data.validation.targets])
    kept_logits = block_of(trained).logits(_embeddings(inputs.validation, np.arange(len(kept))))
    return Evidence(
        logits=np.concatenate([*logits, kept_logits]),
        targets=np.where(used, targets, UNKNOWN).astype(np.uint8),
        unnamed=np.concatenate([_unnamed(left_out), _unnamed(data.validation)]) & used,
        sources=np.concatenate([left_out.sets, data.validation.sets]),
        left_out=np.arange(len(targets)) < len(left_out.records),
        judges=tuple(data.name for data in config.data if data.judges),
        checked=_checked(config, [*left_out.records, *data.validation.records], data.tags),
    )


def _checked(config: TrainConfig, records: Sequence[Record], tags: Sequence[str]) -> ByteArray | None:
    if not config.spot_checks:
        return None
    folders = {data.name: _folder_of(data.csv) for data in config.data}
    return checked_targets(read_spot_checks(config.spot_checks), records, folders, tags)


def _folder_of(data: str) -> Path:
    """What the paths of a data set are relative to."""
    return Path(data) if are_shards(data) else metadata_file(data).parent


def _taught_without(targets: ByteArray, left_out: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(T,): which tags a head still learns well without some rows of the targets (N, T)."""
    inside, outside = ((targets[rows] == 1).sum(axis=0) for rows in (left_out, ~left_out))
    taught: npt.NDArray[np.bool_] = (outside >= FEWEST_TAUGHT) & (outside >= LEAST_SHARE * inside)
    return taught


def _unnamed(part: Part) -> npt.NDArray[np.bool_]:
    return np.zeros(part.targets.shape, bool) if part.unnamed is None else part.unnamed


def _trained(
    config: TrainConfig,
    data: TrainingData,
    inputs: Inputs,
    head: nn.Module,
    rows: npt.NDArray[np.intp],
    judging: npt.NDArray[np.intp],
    run: Path,
    *,
    resume: bool,
) -> nn.Module:
    """The head after it has learnt some of the training photos; the best epoch by some of the validation photos."""
    part, validation = data.training.only(rows), data.validation.only(judging)
    targets = torch.from_numpy(part.targets)
    batches = Batches.for_training(config, RowsOf(inputs.training, rows), to_float(targets), part.unnamed)
    kept = Batches(RowsOf(inputs.validation, judging), to_float(torch.from_numpy(validation.targets)))
    trained = fit(
        TagModule(config, inputs.trunk, head, create_loss(config.loss, targets)),
        loader(batches, BatchSampler(config, part.targets)),
        loader(kept, InOrder(len(judging), config.batch_size)),
        run,
        resume=resume and (run / LAST).is_file(),
    )
    return trained.head


def _embeddings(source: Source, rows: npt.NDArray[np.intp]) -> FloatArray:
    """(n, K)"""
    return source.inputs(Batch(0, 0, rows)).numpy()

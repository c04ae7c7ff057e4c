"""All steps of a training, in order.

photos and their words -> tags, targets, a split          load_training_data
backbone -> what stays frozen, computed once              prepare_inputs
trunk and head are trained, the best epoch is kept        fit
a head without each source, for calibration               evidence_across
backbone -> another training's start, model.onnx          save_weights, export_backbone
validation photos -> calibration, thresholds, figures     finish
all of it -> a model folder, and a report beside it
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch import nn

from vectortag.core import distributed
from vectortag.core.errors import ConfigError
from vectortag.core.writing import ORDINARY, replace_file
from vectortag.data.training import TrainingData
from vectortag.model.folder import ModelFolder
from vectortag.train.across import evidence_across
from vectortag.train.batches import Batches, BatchSampler, InOrder, loader
from vectortag.train.config import TrainConfig
from vectortag.train.config_file import load_config
from vectortag.train.dataset import load_training_data
from vectortag.train.distil import Held, starting_classifier, teacher_of_views, training_targets
from vectortag.train.embedded import embedded_inputs
from vectortag.train.engine import Trained, fit
from vectortag.train.export import export_backbone
from vectortag.train.finish import finish
from vectortag.train.inputs import Inputs, prepare_inputs
from vectortag.train.joint import joined
from vectortag.train.losses import create_loss, to_float
from vectortag.train.network import create_backbone, create_head, save_weights
from vectortag.train.run import BACKBONE, CONFIG, TAGS, check_free, forget
from vectortag.train.tensorboard import TensorBoardNotes

log = logging.getLogger(__name__)


def train(
    config: TrainConfig | str | Path,
    output: str | Path = "runs",
    *,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    resume: bool = False,
    skip_bad_rows: bool = False,
    overwrite: bool = False,
) -> ModelFolder | None:
    """Train a model and write it as the folder `output`/`config.name`.

    Checkpoints, logs and the resolved configuration go to `output`/`config.name`.run.

    Args:
        config: what to train, and how; or the path of a TOML file that says it.
        callbacks, loggers: Lightning's, besides those that every training has; see docs/from_python.md.
        resume: go on after the last epoch that an interrupted training of this name finished.
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.
        overwrite: replace an older training of this name.

    Returns:
        The model folder, whose `history` has the figures of each epoch; None in all but the first of several processes.

    Raises:
        VectorTagError: the data, the configuration or the training is wrong; then no model folder is written.
    """
    started = time.monotonic()
    config = config if isinstance(config, TrainConfig) else load_config(config)
    if config.across_sources and distributed.count() > 1:
        raise ConfigError("across_sources trains its heads in one process. Start without torchrun")
    run = Path(output) / f"{config.name}.run"
    check_free(Path(output) / config.name, run, resume=resume, overwrite=overwrite)
    backbone = create_backbone(config.backbone)
    known = starting_classifier(config, backbone)
    data = load_training_data(config, classes=known.names if known else (), skip_bad_rows=skip_bad_rows)
    _take_notes(config, data, run, resume=resume)

    def new_head() -> nn.Module:
        mlp = create_head(config.head, backbone.width, len(data.tags), seed=config.seed)
        return joined(mlp, known, data.taxonomy, data.tags) if config.head.joint and known else mlp

    size = config.backbone.image_size
    if config.freeze == "backbone" and config.augment.views == 1:
        exported = export_backbone(backbone, size)
        inputs = embedded_inputs(config, data, exported.network)
    else:
        exported, inputs = None, prepare_inputs(config, data, backbone)
    held = Held(inputs.trunk, known) if config.distil.hold and known else None
    watching = [*callbacks, TensorBoardNotes(config, data.tags, data.training)]
    trained = _fitted(config, data, inputs, new_head(), held, run, watching, loggers, resume=resume)
    if distributed.rank() > 0:
        return None
    if trained.held and known:
        known = trained.held.trained(known.names)
    if config.freeze != "backbone":
        save_weights(backbone, known, run / BACKBONE)
    evidence = None
    if config.across_sources:
        evidence = evidence_across(config, data, inputs, trained.head, new_head, run, resume=resume)
    exported = exported or export_backbone(backbone, size)
    return finish(config, data, trained, exported, backbone, known, Path(output), started=started, evidence=evidence)


def _fitted(
    config: TrainConfig,
    data: TrainingData,
    inputs: Inputs,
    head: nn.Module,
    held: Held | None,
    run: Path,
    callbacks: Sequence[Callback],
    loggers: Sequence[Logger],
    *,
    resume: bool,
) -> Trained:
    loss = create_loss(config.loss, torch.from_numpy(data.training.targets))
    rank, world = distributed.rank(), distributed.count()
    if config.batch_size % world:
        raise ConfigError(f"batch_size {config.batch_size}: expected a multiple of {world}, the number of processes")
    sampler = BatchSampler(config, data.training.targets, rank=rank, world=world)
    targets = training_targets(data, config.distil)
    training = Batches.for_training(config, inputs.training, targets, data.training.unnamed)
    validation = Batches(inputs.validation, to_float(torch.from_numpy(data.validation.targets)))
    in_order = InOrder(len(data.validation.records), config.batch_size, rank=rank, world=world)
    return fit(
        config,
        inputs.trunk,
        head,
        loss,
        loader(training, sampler, workers=config.worker_count),
        loader(validation, in_order, workers=config.worker_count if validation.streamed else 0),
        run,
        held=held,
        teacher=teacher_of_views(config, data.tags),
        callbacks=callbacks,
        more_loggers=loggers,
        resume=resume,
    )


def _take_notes(config: TrainConfig, data: TrainingData, run: Path, *, resume: bool) -> None:
    log.info(
        "%d tags and %d groups, %d training photos", len(data.tags), len(data.borrowed), len(data.training.records)
    )
    if not resume and distributed.rank() == 0:
        forget(run)
    run.mkdir(parents=True, exist_ok=True)
    for name, content in ((CONFIG, config.model_dump(mode="json")), (TAGS, data.tags)):
        replace_file(run / name, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode(), mode=ORDINARY)

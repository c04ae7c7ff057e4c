"""All steps of a training, in order.

photos and their words -> tags, targets, a split          prepare
backbone -> what stays frozen, computed once              prepare
trunk and head are trained, the best epoch is kept        fit
a head without each source, for calibration               evidence_across
backbone -> another training's start, model.onnx          save_weights, export_backbone
validation photos -> calibration, thresholds, figures     finish
all of it -> a model folder, and a report beside it
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from vectortag.core import distributed
from vectortag.core.writing import ORDINARY, replace_file
from vectortag.data.training import TrainingData
from vectortag.model.folder import ModelFolder
from vectortag.train.across import evidence_across
from vectortag.train.config import TrainConfig
from vectortag.train.config_file import load_config
from vectortag.train.engine import fit
from vectortag.train.export import export_backbone
from vectortag.train.finish import finish
from vectortag.train.network import save_weights
from vectortag.train.prepare import prepare
from vectortag.train.run import BACKBONE, CONFIG, TAGS, alone_in, check_free, forget
from vectortag.train.tensorboard import TensorBoardNotes


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
    config = config if isinstance(config, TrainConfig) else load_config(config)
    run = Path(output) / f"{config.name}.run"
    check_free(Path(output) / config.name, run, resume=resume, overwrite=overwrite)
    with alone_in(run):
        return _train(config, Path(output), run, callbacks, loggers, resume=resume, skip_bad_rows=skip_bad_rows)


def _train(
    config: TrainConfig,
    output: Path,
    run: Path,
    callbacks: Sequence[Callback],
    loggers: Sequence[Logger],
    *,
    resume: bool,
    skip_bad_rows: bool,
) -> ModelFolder | None:
    started = time.monotonic()
    start = prepare(config, skip_bad_rows=skip_bad_rows)
    data, backbone, known = start.data, start.backbone, start.known
    _take_notes(config, data, run, resume=resume)
    watching = [*callbacks, TensorBoardNotes(config, data.tags, data.training)]
    trained = fit(start.module(), *start.loaders(), run, callbacks=watching, more_loggers=loggers, resume=resume)
    if distributed.rank() > 0:
        return None
    if trained.held and known:
        known = trained.held.trained(known.names)
    if config.freeze != "backbone":
        save_weights(backbone, known, run / BACKBONE)
    evidence = None
    if config.across_sources:
        evidence = evidence_across(config, data, start.inputs, trained.head, start.new_head, run, resume=resume)
    exported = start.exported or export_backbone(backbone, config.backbone.image_size)
    return finish(config, data, trained, exported, backbone, known, output, started=started, evidence=evidence)


def _take_notes(config: TrainConfig, data: TrainingData, run: Path, *, resume: bool) -> None:
    if not resume and distributed.rank() == 0:
        forget(run)
    run.mkdir(parents=True, exist_ok=True)
    for name, content in ((CONFIG, config.model_dump(mode="json")), (TAGS, data.tags)):
        replace_file(run / name, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode(), mode=ORDINARY)

"""Everything that a training starts from: its data, its network, and what the trained part of it is fed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from vectortag.core import distributed
from vectortag.core.errors import ConfigError
from vectortag.data.training import TrainingData
from vectortag.model.classifier import Classifier
from vectortag.train.backbone import Backbone
from vectortag.train.batches import Batches, BatchSampler, InOrder, loader
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import load_training_data
from vectortag.train.distil import Held, starting_classifier, teacher_of_views, training_targets
from vectortag.train.embedded import embedded_inputs
from vectortag.train.export import Exported, check_export, export_backbone
from vectortag.train.heads import create_head
from vectortag.train.inputs import Inputs, prepare_inputs
from vectortag.train.joint import joined
from vectortag.train.lightning_module import TagModule
from vectortag.train.losses import create_loss, to_float
from vectortag.train.network import create_backbone
from vectortag.train.stages import check_stages

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training starts from.

    Attributes:
        known: the classifier that came with the backbone, if the trained backbone will still go with one.
        inputs: the trained part of the backbone, and what it is fed.
        exported: the backbone as a file, where the training does not change it.
        held: holds the backbone to what it knew, if the configuration asks for that.
    """

    config: TrainConfig
    data: TrainingData
    backbone: Backbone
    known: Classifier | None
    inputs: Inputs
    exported: Exported | None
    held: Held | None

    def new_head(self) -> nn.Module:
        """An untrained head, the same each time."""
        config, tags = self.config, self.data.tags
        mlp = create_head(config.head, self.backbone.width, len(tags), seed=config.seed)
        return joined(mlp, self.known, self.data.taxonomy, tags) if config.head.joint and self.known else mlp

    def module(self) -> TagModule:
        """The trained part of the backbone with an untrained head.

        Raises:
            TrainingError, ConfigError: the teacher cannot teach these tags.
        """
        config, data = self.config, self.data
        loss = create_loss(config.loss, torch.from_numpy(data.training.targets))
        teacher = teacher_of_views(config, data.tags)
        return TagModule(config, self.inputs.trunk, self.new_head(), loss, self.held, teacher)

    def loaders(self) -> tuple[DataLoader[Any], DataLoader[Any]]:
        """Training and validation batches, of which this process gets its share.

        Raises:
            TrainingError: the teacher has none of the tags, or cannot read a photo.
        """
        config, data = self.config, self.data
        rank, world = distributed.rank(), distributed.count()
        sampler = BatchSampler(config, data.training.targets, rank=rank, world=world)
        targets = training_targets(data, config.distil)
        training = Batches.for_training(config, self.inputs.training, targets, data.training.unnamed)
        validation = Batches(self.inputs.validation, to_float(torch.from_numpy(data.validation.targets)))
        in_order = InOrder(len(data.validation.records), config.batch_size, rank=rank, world=world)
        workers = config.worker_count
        judged = loader(validation, in_order, workers=workers if validation.streamed else 0)
        return loader(training, sampler, workers=workers), judged


def prepare(config: TrainConfig, *, skip_bad_rows: bool = False) -> Prepared:
    """Read the photos, build the network, and compute once what the frozen part of it says of the photos.

    Args:
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.

    Raises:
        DataError, TaxonomyError: the photos or their words cannot be used.
        ConfigError: the configuration asks for what does not go together, or for weights that are not there.
        TrainingError: a photo cannot be read, or the cache cannot be written.
    """
    world = distributed.count()
    if config.across_sources and world > 1:
        raise ConfigError("across_sources trains its heads in one process. Start without torchrun")
    if config.batch_size % world:
        raise ConfigError(f"batch_size {config.batch_size}: expected a multiple of {world}, the number of processes")
    backbone = create_backbone(config.backbone)
    check_export(backbone, config.backbone)
    if config.unfreeze_at:
        check_stages(backbone, len(config.unfreeze_at))
    known = starting_classifier(config, backbone)
    data = load_training_data(config, classes=known.names if known else (), skip_bad_rows=skip_bad_rows)
    log.info(
        "%d tags and %d groups, %d training photos", len(data.tags), len(data.borrowed), len(data.training.records)
    )
    exported = None
    if config.freeze == "backbone" and config.augment.views == 1:
        exported = export_backbone(backbone, config.backbone.image_size)
        inputs = embedded_inputs(config, data, exported.network)
    else:
        inputs = prepare_inputs(config, data, backbone)
    held = Held(inputs.trunk, known) if config.distil.hold and known else None
    return Prepared(config, data, backbone, known, inputs, exported, held)

"""What a training's configuration holds: every key is known, every value checked."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vectortag.model.manifest import NAME
from vectortag.runtime.cpu import usable_cores
from vectortag.train.sections import AugmentConfig, DistilConfig, LossConfig, Pixels, ScheduleConfig, Strict

PRETRAINED = "pretrained"
"""As `backbone.init`: the weights that timm downloads."""


class DataConfig(Strict):
    """One data set. `rights` and `about` are for the model card.

    Attributes:
        csv: its metadata.csv, or the folder of it; or shards of `vectortag prepare`: their folder, or a URL as
            "s3://bucket/shards".
        fold: sets of one fold are left out together where `across_sources` leaves each set out once: those of one
            source must be, others may be to save time. "" is a fold of its own.
        judges: its labels are complete enough to say how many of the shown tags are right; see `across_sources`.
        max_photos: at most so many training photos, chosen by the names of their files; None is all.
        distinct: none of its photos repeats another or one of another set, so copies are not looked for.
    """

    name: str
    csv: str
    about: str = ""
    rights: str = ""
    fold: str = ""
    judges: bool = False
    max_photos: int | None = Field(default=None, gt=0)
    distinct: bool = False


class BackboneConfig(Strict):
    """The network that makes feature maps: any timm model whose embedding is the plain mean of its feature map.

    Attributes:
        architecture: timm's name.
        init: "pretrained" downloads timm's weights; else the path of a safetensors file, or a finished model: its name,
            as "lite0", or its folder. Of a list, the mean of the weights is taken: that of a network before and after
            it was trained knows much of both (Wortsman et al. 2022, arXiv:2109.01903). One named twice counts twice.
        origin: where these weights come from, for the model card.
        image_size: pixels a side, in training and by default afterwards.
        sizes: other sizes that the model is to offer; calibration and thresholds are fitted for each. The profile
            "thorough" takes the largest.
        trained_stages: with `freeze = "stages"`, how many of the last stages are trained.
        drop_path: how often a residual branch is left out in training, more often the deeper it lies (Huang et al.
            2016, arXiv:1603.09382); of a network that is trained as a whole.
    """

    architecture: str = "resnet18"
    init: str | Annotated[tuple[str, ...], Field(min_length=1)] = PRETRAINED
    origin: str = ""
    image_size: Pixels = 224
    sizes: tuple[Pixels, ...] = ()
    trained_stages: int = Field(default=1, ge=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)

    @property
    def inits(self) -> tuple[str, ...]:
        """All of `init`."""
        return (self.init,) if isinstance(self.init, str) else self.init

    @model_validator(mode="after")
    def _each_size_once(self) -> BackboneConfig:
        if len({self.image_size, *self.sizes}) != 1 + len(self.sizes):
            every = (self.image_size, *self.sizes)
            raise ValueError(f"sizes: expected each size once, and image_size not among them, got {every}")
        return self


class HeadConfig(Strict):
    """Linear K-hidden, ReLU, Dropout, Linear hidden-T; or, with `hidden = 0`, Dropout and one Linear K-T.

    Attributes:
        standardise: the embedding is standardised before, which makes the training faster and better; the first layer
            takes that in when the model is written.
        input_dropout: how much of the embedding is hidden in each training step, against learning its sets by heart.
        joint: what the backbone's ImageNet classes say of a tag is part of its logit, by the taxonomy's groups; with
            `freeze = "backbone"`.
        members: so many heads are trained at the same time, each with weights and dropout of its own; their mean, which
            is one head with as many times the hidden units, is the model's. It needs a hidden layer.
    """

    hidden: int = Field(default=256, ge=0)
    dropout: float = Field(default=0.4, ge=0, lt=1)
    standardise: bool = False
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    joint: bool = False
    members: int = Field(default=1, ge=1, le=16)

    @model_validator(mode="after")
    def _members_are_not_linear(self) -> HeadConfig:
        if self.members > 1 and self.hidden == 0:
            raise ValueError("members needs a hidden layer: the mean of linear heads is one linear head. Set hidden")
        return self


class VocabularyConfig(Strict):
    """Which tags a model has. `taxonomy` is "default", "none" or the path of a TOML file.

    Attributes:
        top_k, min_photos: at most so many are learnt, each from at least so many photos.
        groups: the taxonomy's groups of what the backbone was pretrained with are tags as well.
        unnamed: how often, in training, a tag counts as absent that nobody has named and whose absence is not known.
            With 0 it is never an example of anything.
    """

    taxonomy: str = "default"
    top_k: int | None = Field(default=150, gt=0)
    min_photos: int = Field(default=1, ge=1)
    groups: bool = False
    unnamed: float = Field(default=0.0, ge=0, le=1)


class TrainConfig(Strict):
    """Everything that decides the result of a training, apart from the photos.

    Attributes:
        freeze: "none" trains the whole network, "stages" its last stages on cached activations of the others,
            "backbone" the head alone on cached embeddings.
        frozen_epochs: with `freeze = "none"`, the backbone rests for so many epochs while the head finds its place.
        unfreeze_at: with `freeze = "none"`, rising numbers of epochs. After each, one stage more is trained, from the
            last to the first (Howard and Ruder 2018, arXiv:1801.06146). What comes before the first stage is trained
            with it, what comes after the last with that. Stages without a number stay as they are. Empty: all are
            trained from the start, or after `frozen_epochs`.
        max_samples: at most so many training photos, those with rare tags first.
        sampler: "shuffle" takes each photo once an epoch, "rarity" draws photos with rare tags more often.
        validation: the share that is kept from training in sets without a column `split`.
        stratify: how that share is chosen; see `vectortag.data.split.split_records`.
        keep_duplicates_together: photos that show one picture go to one side of it.
        optimiser: Adam, AdamW with decoupled weight decay, or SGD with Nesterov's momentum, which needs a higher rate.
        momentum: of sgd.
        backbone_rate: the backbone's learning rate as a multiple of the head's.
        layer_decay: with `freeze = "none"`, each layer's learning rate as a multiple of that of the next one, from the
            head down (Clark et al. 2020, arXiv:2003.10555). The layers are timm's; 1 is off.
        accumulate: batches a step.
        clip_gradient: the largest norm of a step's gradient; None is no limit.
        ema: decay of an exponential moving average of the weights, which is then what is validated and kept; 0 is off.
        monitor: what the best epoch, early stopping and the plateau look at.
        early_stopping: stop after so many epochs without a better one; None never.
        precision: "auto" is bf16 or fp16 where that pays on this machine, "float32" the same everywhere.
        across_sources: calibration and thresholds are fitted on sets that were left out of the training: for each fold
            a head is trained without it for half of the epochs, with `freeze = "backbone"`. Else they are fitted on the
            validation photos.
        spot_checks: a CSV file of what somebody saw who looked at tags that heads would show on photos of sources that
            they had not learnt; see `vectortag.data.spot_checks`. For `across_sources`; "" is none.
        workers: processes that make batches; None chooses.
    """

    name: str = Field(pattern=NAME)
    seed: int = Field(default=1, ge=0)
    data: tuple[DataConfig, ...] = Field(min_length=1)
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    distil: DistilConfig = DistilConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    freeze: Literal["none", "stages", "backbone"] = "none"
    frozen_epochs: int = Field(default=0, ge=0)
    unfreeze_at: tuple[Annotated[int, Field(ge=0)], ...] = ()
    max_samples: int = Field(default=200_000, gt=0)
    sampler: Literal["shuffle", "rarity"] = "shuffle"
    validation: float = Field(default=0.2, gt=0, lt=1)
    stratify: Literal["iterative", "rarest"] = "iterative"
    keep_duplicates_together: bool = True
    epochs: int = Field(default=12, gt=0)
    batch_size: int = Field(default=32, gt=0)
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    backbone_rate: float = Field(default=1.0, gt=0)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    weight_decay: float = Field(default=1e-5, ge=0)
    accumulate: int = Field(default=1, gt=0)
    clip_gradient: float | None = Field(default=None, gt=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    monitor: Literal["val_loss", "val_map"] = "val_loss"
    early_stopping: int | None = Field(default=5, gt=0)
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    across_sources: bool = False
    spot_checks: str = ""
    workers: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _heads_alone(self) -> TrainConfig:
        if self.freeze != "backbone" and (self.head.joint or self.across_sources):
            key = "head.joint" if self.head.joint else "across_sources"
            raise ValueError(f'{key} needs a frozen backbone. Set freeze = "backbone"')
        if self.head.joint and not (self.vocabulary.groups and self.head.hidden):
            raise ValueError("head.joint needs vocabulary.groups and a hidden layer")
        if self.across_sources and not any(data.judges for data in self.data):
            raise ValueError("across_sources needs a [[data]] with judges = true, by which thresholds are chosen")
        return self

    @model_validator(mode="after")
    def _whole_networks(self) -> TrainConfig:
        if self.freeze != "none" and (self.unfreeze_at or self.layer_decay < 1):
            key = "unfreeze_at" if self.unfreeze_at else "layer_decay"
            raise ValueError(f'{key} needs a network that is trained as a whole. Set freeze = "none"')
        if self.unfreeze_at and self.frozen_epochs:
            raise ValueError("unfreeze_at and frozen_epochs both say when the backbone begins to learn. Leave one out")
        whens = (*self.unfreeze_at, self.epochs)
        if any(later <= before for before, later in pairwise(whens)):
            raise ValueError(f"unfreeze_at: expected rising numbers below epochs = {whens[-1]}, got {[*whens[:-1]]}")
        return self

    @property
    def worker_count(self) -> int:
        """Cached activations are only read, which one process does best; photos are augmented in several."""
        if self.workers is not None:
            return self.workers
        return 0 if self.freeze != "none" else min(8, usable_cores())

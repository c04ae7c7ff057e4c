"""What a training's configuration holds: every key is known, every value checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vectortag.model.manifest import NAME
from vectortag.runtime.cpu import usable_cores

PRETRAINED = "pretrained"
"""As `backbone.init`: the weights that timm downloads."""


def _zero_or_at_least_one(gamma: float) -> float:
    """Between them, the gradient of p^gamma is infinite at p = 0, where clipping puts every easy negative."""
    if gamma < 0 or 0 < gamma < 1:
        raise ValueError("expected 0 or at least 1")
    return gamma


Focus = Annotated[float, AfterValidator(_zero_or_at_least_one)]
Change = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=32, le=2048)]
"""Pixels a side; a larger picture takes more memory than a training has."""
Turn = Annotated[float, Field(ge=0, le=0.5)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")  # NAME is one of Python's


class DataConfig(_Strict):
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


class BackboneConfig(_Strict):
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
        every = (self.image_size, *self.sizes)
        if len(set(every)) != len(every):
            raise ValueError(f"sizes: expected each size once, and image_size not among them, got {every}")
        return self


class HeadConfig(_Strict):
    """Linear K-hidden, ReLU, Dropout, Linear hidden-T; or, with `hidden = 0`, Dropout and one Linear K-T.

    Attributes:
        standardise: the embedding is standardised before, which makes the training faster and better; the first layer
            takes that in when the model is written.
        input_dropout: how much of the embedding is hidden in each training step, against learning its sets by heart.
        joint: what the backbone's ImageNet classes say of a tag is part of its logit, by the taxonomy's groups; with
            `freeze = "backbone"`.
    """

    hidden: int = Field(default=256, ge=0)
    dropout: float = Field(default=0.4, ge=0, lt=1)
    standardise: bool = False
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    joint: bool = False


class VocabularyConfig(_Strict):
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


class AugmentConfig(_Strict):
    """What is done to a training photo, drawn anew for each photo in each epoch. All off: the photo as it is.

    Attributes:
        resize: the photo is first squashed to resize x resize; None is the network's size.
        scale: the crop's smallest area as a share of the photo; 1 cuts image_size pixels out of the resized photo.
        flip: probability of a mirror image.
        rotation: degrees, to either side.
        jitter: brightness, contrast and saturation as in torchvision; hue, turned about grey by a share of the circle.
        erasing: probability of a grey rectangle (Zhong et al. 2017, arXiv:1708.04896).
        rand_augment: operations a photo (Cubuk et al. 2019, arXiv:1909.13719), at `rand_magnitude` of 30.
        mixup: alpha of the Beta distribution; targets are mixed too (Zhang et al. 2017, arXiv:1710.09412).
        views: how many augmented views of each photo are cached where a frozen part is computed once.
    """

    resize: Pixels | None = 256
    scale: float = Field(default=1.0, gt=0, le=1)
    flip: float = Field(default=0.5, ge=0, le=1)
    rotation: float = Field(default=15.0, ge=0, le=180)
    jitter: tuple[Change, Change, Change, Turn] = (0.2, 0.2, 0.2, 0.1)
    erasing: float = Field(default=0.0, ge=0, le=1)
    rand_augment: int = Field(default=0, ge=0)
    rand_magnitude: int = Field(default=9, ge=0, le=30)
    mixup: float = Field(default=0.0, ge=0)
    views: int = Field(default=2, ge=1)


class LossConfig(_Strict):
    """What is minimised; see `vectortag.train.losses`.

    Attributes:
        max_positive_weight: of weighted_bce: N_neg / N_pos is clamped to [1, this].
        adjustment: of adjusted_bce: how common a tag is, as a logit, so many times, is part of its logit in training
            only. So a logit says how much a photo speaks for a tag, and a rare tag is not held back by being rare.
        alpha, gamma: of focal.
        gamma_negative, gamma_positive, clip: of asymmetric.
    """

    kind: Literal["bce", "weighted_bce", "adjusted_bce", "focal", "asymmetric"] = "weighted_bce"
    max_positive_weight: float = Field(default=20.0, ge=1)
    adjustment: float = Field(default=1.0, ge=0)
    alpha: float = Field(default=0.25, ge=0, le=1)
    gamma: float = Field(default=2.0, ge=0)
    gamma_negative: Focus = 4.0
    gamma_positive: Focus = 1.0
    clip: float = Field(default=0.05, ge=0, lt=1)


class DistilConfig(_Strict):
    """What is learnt from other networks, besides what people said of the photos.

    Attributes:
        teacher: a model's name or folder, which looks at each photo as it is; or the run folder of a training of a
            whole network, which then sees each view that is trained on (Beyer et al. 2022, arXiv:2106.05237). Its
            score counts as `share` of each target, and as all of it where nobody has said anything; "" is none
            (Hinton et al. 2015, arXiv:1503.02531).
        share: between 0 and 1.
        hold: weight of a second loss, that what the starting network said of each photo by its own classifier is still
            said (Li and Hoiem 2016, arXiv:1606.09282); the classifier is trained with it and kept. 0 is off.
    """

    teacher: str = ""
    share: float = Field(default=0.5, ge=0, le=1)
    hold: float = Field(default=0.0, ge=0)


class ScheduleConfig(_Strict):
    """How the learning rate goes.

    Attributes:
        kind: "plateau" (ReduceLROnPlateau on `monitor`), "cosine" to zero, or "constant".
        factor, patience: of plateau.
        warmup_epochs: the rate grows linearly from zero over so many epochs.
    """

    kind: Literal["plateau", "cosine", "constant"] = "plateau"
    factor: float = Field(default=0.1, gt=0, lt=1)
    patience: int = Field(default=2, ge=0)
    warmup_epochs: float = Field(default=0.0, ge=0)


class TrainConfig(_Strict):
    """Everything that decides the result of a training, apart from the photos.

    Attributes:
        freeze: "none" trains the whole network, "stages" its last stages on cached activations of the others,
            "backbone" the head alone on cached embeddings.
        frozen_epochs: with `freeze = "none"`, the backbone rests for so many epochs while the head finds its place.
        max_samples: at most so many training photos, those with rare tags first.
        sampler: "shuffle" takes each photo once an epoch, "rarity" draws photos with rare tags more often.
        validation: the share that is kept from training in sets without a column `split`.
        stratify: how that share is chosen; see `vectortag.data.split.split_records`.
        keep_duplicates_together: photos that show one picture go to one side of it.
        optimiser: Adam, or AdamW with decoupled weight decay.
        backbone_rate: the backbone's learning rate as a multiple of the head's.
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
    max_samples: int = Field(default=200_000, gt=0)
    sampler: Literal["shuffle", "rarity"] = "shuffle"
    validation: float = Field(default=0.2, gt=0, lt=1)
    stratify: Literal["iterative", "rarest"] = "iterative"
    keep_duplicates_together: bool = True
    epochs: int = Field(default=12, gt=0)
    batch_size: int = Field(default=32, gt=0)
    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(default=1e-4, gt=0)
    backbone_rate: float = Field(default=1.0, gt=0)
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
            raise ValueError(f'{key} is for heads on a backbone that rests. Set freeze = "backbone"')
        if self.head.joint and not (self.vocabulary.groups and self.head.hidden):
            raise ValueError("head.joint needs vocabulary.groups and a hidden layer")
        if self.across_sources and not any(data.judges for data in self.data):
            raise ValueError("across_sources needs a [[data]] with judges = true, by which thresholds are chosen")
        return self

    @property
    def worker_count(self) -> int:
        """Cached activations are only read, which one process does best; photos are augmented in several."""
        if self.workers is not None:
            return self.workers
        return 0 if self.freeze != "none" else min(8, usable_cores())

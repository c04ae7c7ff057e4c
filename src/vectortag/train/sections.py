"""Sections of a training's configuration: what is done to photos, what is minimised, how the learning rate goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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


class Strict(BaseModel):
    """A section: an unknown key is an error, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")  # NAME is one of Python's


class AugmentConfig(Strict):
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


class LossConfig(Strict):
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


class DistilConfig(Strict):
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


class ScheduleConfig(Strict):
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

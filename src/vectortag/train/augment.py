"""Augmentation: every draw is a function of (seed, epoch, photo), never of global state, so a resume repeats it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from vectortag.train.config import AugmentConfig

GREY = [124, 116, 104]
"""What fills the corners of a rotation and an erased rectangle: the mean of ImageNet."""


def draws(seed: int, epoch: int, photo: int) -> np.random.Generator:
    """The random numbers of one photo in one epoch."""
    return np.random.default_rng([seed, epoch, photo])


def augment(image: Tensor, size: int, config: AugmentConfig, random: np.random.Generator) -> Tensor:
    """(3, H, W) uint8 -> (3, size, size) uint8."""
    image = _crop(image, size, config, random)
    if random.random() < config.flip:
        image = F.horizontal_flip(image)
    if config.rotation:
        angle = float(random.uniform(-config.rotation, config.rotation))
        image = F.rotate(image, angle, interpolation=F.InterpolationMode.BILINEAR, fill=GREY)
    image = _jitter(image, config, random)
    for _ in range(config.rand_augment):
        image = _rand_operation(image, config.rand_magnitude / 30, random)
    if random.random() < config.erasing:
        image = _erase(image, random)
    return image


def _crop(image: Tensor, size: int, config: AugmentConfig, random: np.random.Generator) -> Tensor:
    """With `scale` 1, a window of the network's size; else a window of random area and shape, resized to it."""
    height, width = image.shape[-2:]
    if config.scale == 1:
        if (height, width) == (size, size):
            return image
        window_height, window_width = min(size, height), min(size, width)
    else:
        area = random.uniform(config.scale, 1)
        shape = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        window_height = max(1, min(height, round(height * np.sqrt(area / shape))))
        window_width = max(1, min(width, round(width * np.sqrt(area * shape))))
    top = int(random.integers(height - window_height + 1))
    left = int(random.integers(width - window_width + 1))
    return F.resized_crop(image, top, left, window_height, window_width, [size, size], antialias=True)


def _jitter(image: Tensor, config: AugmentConfig, random: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation by a factor in [1 - x, 1 + x], hue turned by up to +-x of the circle."""
    operations = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, _turn_hue)
    for place in random.permutation(4):
        strength = config.jitter[place]
        if strength:
            centre = 0.0 if place == 3 else 1.0
            image = operations[place](image, float(random.uniform(centre - strength, centre + strength)))
    return image


def _turn_hue(image: Tensor, share: float) -> Tensor:
    """By Pillow, in half the time that it takes on a tensor, which is most of the time of all augmentation."""
    return F.pil_to_tensor(F.adjust_hue(F.to_pil_image(image), share))


def _rand_operation(image: Tensor, magnitude: float, random: np.random.Generator) -> Tensor:
    """One operation of RandAugment, at a strength in [0, 1]."""
    sign = 1 if random.random() < 0.5 else -1
    match int(random.integers(9)):
        case 0:
            return F.autocontrast(image)
        case 1:
            return F.equalize(image)
        case 2:
            return F.posterize(image, 8 - round(4 * magnitude))
        case 3:
            return F.solarize(image, 255.0 * (1 - magnitude))
        case 4:
            return F.adjust_sharpness(image, 1 + sign * 0.9 * magnitude)
        case 5:
            return F.adjust_brightness(image, 1 + sign * 0.9 * magnitude)
        case 6:
            return F.adjust_saturation(image, 1 + sign * 0.9 * magnitude)
        case 7:
            return _affine(image, shear=[sign * 17.0 * magnitude, 0.0])
        case _:
            return _affine(image, shear=[0.0, sign * 17.0 * magnitude])


def _affine(image: Tensor, shear: list[float]) -> Tensor:
    return F.affine(image, 0, [0, 0], 1.0, shear, interpolation=F.InterpolationMode.BILINEAR, fill=GREY)


def _erase(image: Tensor, random: np.random.Generator) -> Tensor:
    """A grey rectangle over 2 to 33 % of the photo."""
    height, width = image.shape[-2:]
    area, shape = random.uniform(0.02, 0.33), np.exp(random.uniform(np.log(0.3), np.log(3.3)))
    rows = max(1, min(height, round(height * np.sqrt(area / shape))))
    columns = max(1, min(width, round(width * np.sqrt(area * shape))))
    top, left = int(random.integers(height - rows + 1)), int(random.integers(width - columns + 1))
    erased = image.clone()
    erased[:, top : top + rows, left : left + columns] = torch.tensor(GREY, dtype=torch.uint8)[:, None, None]
    return erased

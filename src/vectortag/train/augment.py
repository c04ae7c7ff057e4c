"""Augmentation: every draw is a function of (seed, epoch, photo), never of global state, so a resume repeats it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageOps

from vectortag.core.types import ByteArray
from vectortag.train.sections import AugmentConfig

GREY = (124, 116, 104)
"""What fills the corners of a rotation and an erased rectangle: the mean of ImageNet."""

BILINEAR = Image.Resampling.BILINEAR

TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""RGB to brightness and two axes of colour (NTSC), between which a hue can be turned."""

FROM_YIQ = np.linalg.inv(TO_YIQ)


def draws(seed: int, epoch: int, photo: int) -> np.random.Generator:
    """The random numbers of one photo in one epoch."""
    return np.random.default_rng([seed, epoch, photo])


def augment(photo: ByteArray, size: int, config: AugmentConfig, random: np.random.Generator) -> ByteArray:
    """(H, W, 3) -> (size, size, 3).

    By Pillow throughout, in a quarter of the time that the same takes on tensors.
    """
    image = _crop(Image.fromarray(photo), size, config, random)
    if random.random() < config.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if config.rotation:
        angle = float(random.uniform(-config.rotation, config.rotation))
        image = image.rotate(angle, BILINEAR, fillcolor=GREY)
    if any(config.jitter):
        image = _jitter(image, config, random)
    for _ in range(config.rand_augment):
        image = _rand_operation(image, config.rand_magnitude / 30, random)
    changed = np.array(image)
    if random.random() < config.erasing:
        _erase(changed, random)
    return changed


def _crop(image: Image.Image, size: int, config: AugmentConfig, random: np.random.Generator) -> Image.Image:
    """With `scale` 1, a window of the network's size; else a window of random area and shape, resized to it."""
    width, height = image.size
    if config.scale == 1:
        window_height, window_width = min(size, height), min(size, width)
    else:
        area = random.uniform(config.scale, 1)
        shape = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        window_height = max(1, min(height, round(height * np.sqrt(area / shape))))
        window_width = max(1, min(width, round(width * np.sqrt(area * shape))))
    top = int(random.integers(height - window_height + 1))
    left = int(random.integers(width - window_width + 1))
    window = (left, top, left + window_width, top + window_height)
    if (window_width, window_height) == (size, size):
        return image.crop(window)
    return image.resize((size, size), BILINEAR, box=window)


def _jitter(image: Image.Image, config: AugmentConfig, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation by a factor in [1 - x, 1 + x], hue turned by up to +-x of the circle.

    Each is a matrix on (R, G, B), and so are all together: the photo is gone through once, and clipped once. Contrast
    is about the photo's mean brightness, saturation and hue leave the brightness of each pixel as it is.
    """
    brightness, contrast, saturation = (1 + random.uniform(-x, x) for x in config.jitter[:3])
    hue = 2 * math.pi * random.uniform(-config.jitter[3], config.jitter[3])
    along, across = saturation * math.cos(hue), saturation * math.sin(hue)
    in_yiq = np.array([[1, 0, 0], [0, along, -across], [0, across, along]])
    turned = brightness * contrast * (FROM_YIQ @ in_yiq @ TO_YIQ)
    added = brightness * (1 - contrast) * _mean_brightness(image)
    return image.convert("RGB", tuple(np.column_stack([turned, np.full(3, added)]).ravel().tolist()))


def _mean_brightness(image: Image.Image) -> float:
    mean: npt.NDArray[np.floating] = np.asarray(image.reduce(4), np.float32).mean(axis=(0, 1))
    return float(TO_YIQ[0] @ mean)


def _rand_operation(image: Image.Image, magnitude: float, random: np.random.Generator) -> Image.Image:
    """One operation of RandAugment, at a strength in [0, 1]."""
    change = (1 if random.random() < 0.5 else -1) * magnitude
    match int(random.integers(9)):
        case 0:
            return ImageOps.autocontrast(image)
        case 1:
            return ImageOps.equalize(image)
        case 2:
            return ImageOps.posterize(image, 8 - round(4 * magnitude))
        case 3:
            return ImageOps.solarize(image, round(255 * (1 - magnitude)))
        case 4:
            return ImageEnhance.Sharpness(image).enhance(1 + 0.9 * change)
        case 5:
            return ImageEnhance.Brightness(image).enhance(1 + 0.9 * change)
        case 6:
            return ImageEnhance.Color(image).enhance(1 + 0.9 * change)
        case 7:
            shear = math.tan(math.radians(17 * change))
            return _affine(image, (1, shear, -shear * image.height / 2, 0, 1, 0))
        case _:
            shear = math.tan(math.radians(17 * change))
            return _affine(image, (1, 0, 0, shear, 1, -shear * image.width / 2))


def _affine(image: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, coefficients, BILINEAR, fillcolor=GREY)


def _erase(image: ByteArray, random: np.random.Generator) -> None:
    """A grey rectangle over 2 to 33 % of the photo."""
    height, width = image.shape[:2]
    area, shape = random.uniform(0.02, 0.33), np.exp(random.uniform(np.log(0.3), np.log(3.3)))
    rows = max(1, min(height, round(height * np.sqrt(area / shape))))
    columns = max(1, min(width, round(width * np.sqrt(area * shape))))
    top, left = int(random.integers(height - rows + 1)), int(random.integers(width - columns + 1))
    image[top : top + rows, left : left + columns] = GREY

"""Any mode of Pillow's to RGB of 8 bits, in bands of rows, so that only one more picture is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from vectortag.core.errors import PhotoError

BAND = 1 << 22
"""Pixels that are worked on at a time."""


def to_rgb(image: Image.Image) -> Image.Image:
    """Transparency over white, 16 bits scaled to 8, CMYK and palettes converted.

    Raises:
        PhotoError: there are no pixels, or ones of an unknown range.
    """
    if 0 in image.size:
        raise PhotoError(f"{image.width} x {image.height} pixels are no picture")
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        return _in_bands(image, _from_sixteen_bits)
    if image.mode == "F":
        raise PhotoError("floating-point pixels have no known range; save the picture with 8 or 16 bits")
    if image.mode == "La":  # grey that was multiplied by its alpha, of which Pillow converts nothing to RGB
        image = image.convert("LA")
    if image.has_transparency_data and not _has_unused_alpha(image):
        return _in_bands(image, _over_white)
    return image.convert("RGB")


def _in_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    step = max(1, BAND // image.width)
    if image.height <= step:
        return convert(image)
    picture = Image.new("RGB", image.size)
    for top in range(0, image.height, step):
        picture.paste(convert(image.crop((0, top, image.width, min(top + step, image.height)))), (0, top))
    return picture


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """Pillow's own conversion clips at 255; a 16-bit scan would come out white."""
    values = np.asarray(image).clip(0, 65535)
    grey = (values // 256).astype(np.uint8)
    if isinstance(clear := image.info.get("transparency"), int):
        grey[values == clear] = 255
    return Image.fromarray(grey).convert("RGB")


def _has_unused_alpha(image: Image.Image) -> bool:
    """Whether every pixel is transparent: there is nothing to see then, so the alpha was never filled in."""
    if image.mode not in ("RGBA", "LA"):
        return False
    return bool(image.getchannel("A").getextrema()[1] == 0)


def _over_white(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")

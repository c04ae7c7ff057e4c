"""From a photo to the network's input: the one place where pixels are made.

Training's validation, evaluation, the command line, the page and the service all call `load_pixels`. What it does is
fixed by a `PixelRecipe`, which stands in the model's manifest. Normalisation (mean, standard deviation) is not here:
it is part of the network's graph, so that pixels stay uint8 until they are inside.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.schema import Positive, Schema
from vectortag.core.types import ByteArray, PackedPhoto, StoredPhoto
from vectortag.runtime.decoding.colours import to_rgb
from vectortag.runtime.decoding.memory import DEFAULT_PIXELS, LARGEST_FILE, SHARED, Budget
from vectortag.runtime.decoding.photo_kinds import may_be_large
from vectortag.runtime.decoding.upright import decode_upright, turn_of

Photo = str | Path | bytes | StoredPhoto | PackedPhoto | Image.Image | ByteArray
"""What can be tagged: a path, the bytes of a file with or without a name, a photo inside a larger file, a Pillow image,
or an (H, W, 3) uint8 array, in RGB."""

DRAFT_FACTOR = 1.5
"""JPEGs are decoded at the smallest scale that is still 1.5 times the target, then resized with antialiasing: four
times as fast as a full decode at 12 MP, and 0.2 to 0.4 of 255 apart from it on average."""

LARGE = 40_000_000
"""Pixels from which Pillow resizes: the faster way needs two copies of the picture."""

FilterName = Literal["bilinear", "bicubic"]
ResizeMode = Literal["squash", "shortest"]


class PixelRecipe(Schema, frozen=True, kw_only=True):
    """How a photo becomes pixels. Part of a model's manifest.

    Attributes:
        resize: "squash" stretches the photo to size x size, whatever its shape, so that nothing is cut off; "shortest"
            takes the square in its middle, as many encoders of photos and texts do.
        filter: the resampling filter, always antialiased.
        max_pixels: a photo that declares more pixels than this is refused before it is decoded.
    """

    resize: ResizeMode = "squash"
    filter: FilterName = "bilinear"
    max_pixels: Positive = DEFAULT_PIXELS


def load_pixels(
    photo: Photo,
    size: int,
    recipe: PixelRecipe,
    *,
    exact: bool = True,
    max_pixels: int | None = None,
    budget: Budget = SHARED,
) -> ByteArray:
    """Return (size, size, 3) uint8, RGB, upright.

    Args:
        photo: what to read.
        size: pixels a side.
        recipe: how it becomes pixels.
        exact: resample with Pillow, the same to the last bit on every machine. Otherwise with cykooz-resizer, if it
            is installed: the same filters in a quarter of the time, and no value more than 2 of 255 apart.
        max_pixels: the limit of pixels, in the place of the recipe's.
        budget: the memory that photos take together while they are decoded.

    Raises:
        PhotoError: the photo cannot be read, is of a format that is not opened, has too many pixels, or would take
            too much memory.
    """
    smallest, limit = draft_side(size), max_pixels or recipe.max_pixels
    if isinstance(photo, PackedPhoto):
        photo = photo.at(size)
    with opened_image(photo, max_pixels=limit, draft=(smallest, smallest), budget=budget) as image:
        return resize_image(image, size, recipe, exact=exact)


def resize_image(image: Image.Image, size: int, recipe: PixelRecipe, *, exact: bool = True) -> ByteArray:
    """Return (size, size, 3) uint8 of an upright RGB image; `exact` as in `load_pixels`."""
    if not exact and recipe.resize == "squash" and image.width * image.height < LARGE:
        with contextlib.suppress(ImportError):
            return _resize_fast(image, size, recipe.filter)
    box = None if recipe.resize == "squash" else _middle_square(image.width, image.height)
    return np.asarray(image.resize((size, size), Image.Resampling[recipe.filter.upper()], box))


def _middle_square(width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom. To resize it is to resize the photo until its shorter side fits, and to cut the rest
    off; but a photo of a very long shape takes no memory for that."""
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def draft_side(size: int) -> int:
    """Pixels a side down to which the JPEG decoder may scale a photo that becomes size x size."""
    return round(size * DRAFT_FACTOR)


def _resize_fast(image: Image.Image, size: int, name: FilterName) -> ByteArray:
    from cykooz_resizer import FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer

    same = {"bilinear": FilterType.bilinear, "bicubic": FilterType.catmull_rom}[name]
    options = ResizeOptions(resize_alg=ResizeAlg.convolution(same), use_alpha=False)
    whole, resized = ImageData(*image.size, PixelType.U8x3, image.tobytes()), ImageData(size, size, PixelType.U8x3)
    Resizer().resize(whole, resized, options)
    return np.frombuffer(resized.get_buffer(), np.uint8).reshape(size, size, 3)


def open_image(
    photo: Photo, *, max_pixels: int, draft: tuple[int, int] | None = None, budget: Budget = SHARED
) -> Image.Image:
    """Return the photo as an upright RGB image; of several frames the one that its file opens with, mostly the first.

    Args:
        photo: a path, bytes, a Pillow image or an (H, W, 3) uint8 array.
        max_pixels: refuse a photo that declares more pixels than this.
        draft: let the JPEG decoder scale down, but not below this (width, height).
        budget: as in `load_pixels`.

    Raises:
        PhotoError: as `load_pixels`.
    """
    with opened_image(photo, max_pixels=max_pixels, draft=draft, budget=budget) as image:
        return image


@contextlib.contextmanager
def opened_image(
    photo: Photo, *, max_pixels: int, draft: tuple[int, int] | None = None, budget: Budget = SHARED
) -> Iterator[Image.Image]:
    """The photo as `open_image` gives it; its memory is reserved until the end of the block."""
    if isinstance(photo, np.ndarray):
        photo = _from_array(photo)
    elif isinstance(photo, PackedPhoto):
        photo = photo.read()
    with contextlib.ExitStack() as reserved:
        if isinstance(photo, Image.Image):
            with _explained("photo"):
                photo.load()
                turn = turn_of(photo)
                image = to_rgb(photo.copy() if turn is None else photo.transpose(turn))
        elif isinstance(photo, bytes | StoredPhoto):
            with _explained("photo" if isinstance(photo, bytes) else escape_path(photo.name)):
                image = decode_upright(io.BytesIO(content_of(photo)), max_pixels, draft, budget, reserved)
        else:
            with open_photo(photo) as file:
                image = decode_upright(file, max_pixels, draft, budget, reserved, videos=True)
        yield image


@contextlib.contextmanager
def open_photo(path: str | Path) -> Iterator[io.BufferedReader]:
    """Yield a photo's file.

    Raises:
        PhotoError: it cannot be opened, is no ordinary file or too large, or something goes wrong with it meanwhile.
    """
    with _explained(escape_path(path)), _opened(Path(path)) as file:
        if os.fstat(file.fileno()).st_size > LARGEST_FILE and not may_be_large(file):  # it would be hashed, too
            raise PhotoError(
                f"a file of more than {LARGEST_FILE / 1e6:,.0f} MB is not read, except BMP, TIFF, RAW and video"
            )
        yield file


def _opened(path: Path) -> io.BufferedReader:
    try:
        return open_regular(path)
    except IsADirectoryError as error:
        next(path.iterdir(), None)  # a folder that cannot be looked into says so
        raise PhotoError("is a directory, not a photo") from error


def content_of(photo: bytes | StoredPhoto) -> bytes:
    """The bytes of a photo that is in memory.

    Raises:
        PhotoError: they could not be fetched.
    """
    content = photo if isinstance(photo, bytes) else photo.content
    if isinstance(content, PhotoError):
        raise content
    return content


def name_of(photo: Photo | None) -> str | None:
    """The path or the name of a photo that has one."""
    if isinstance(photo, StoredPhoto | PackedPhoto):
        return photo.name
    return str(photo) if isinstance(photo, str | Path) else None


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with a photo into a PhotoError that names it."""
    try:
        yield
    except PhotoError as error:
        raise PhotoError(f"{name}: {error}") from error
    except Exception as error:  # a broken file can raise almost anything from inside a decoder
        if isinstance(error, OSError) and error.errno is not None:
            raise PhotoError(f"{name}: cannot be read: {error.strerror}") from error
        raise PhotoError(f"{name}: broken photo: {error or type(error).__name__}") from error


def _from_array(array: ByteArray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise PhotoError(f"expected an (H, W, 3) uint8 array in RGB, got {array.shape} {array.dtype}")
    return Image.fromarray(array)

"""A photo's file is decoded and turned upright, within the limits of pixels and memory."""

from __future__ import annotations

import contextlib
import io
from typing import IO

from PIL import ExifTags, Image, ImageFile

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding import jpeg
from vectortag.runtime.decoding.colours import to_rgb
from vectortag.runtime.decoding.headers import identify
from vectortag.runtime.decoding.memory import Budget, check_memory, foreseen_bytes, memory_for

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a photo upright, by its EXIF orientation."""


def decode_upright(
    file: IO[bytes],
    max_pixels: int,
    draft: tuple[int, int] | None,
    budget: Budget,
    reserved: contextlib.ExitStack,
    *,
    videos: bool = False,
) -> Image.Image:
    """Decode a photo's file.

    Args:
        file: open and at its start.
        max_pixels: refuse a photo that declares more pixels than this.
        draft: let the JPEG decoder scale down, but not below this (width, height).
        budget: the memory that photos take together while they are decoded.
        reserved: gives the photo's share of it back when it is closed.
        videos: whether a video may be read, of which one frame is taken.

    Raises:
        PhotoError: the format is not opened, or there are too many pixels, or it would take too much memory. A broken
            file can raise almost anything else.
    """
    with identify(file, videos=videos) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PhotoError(f"{width} x {height} pixels are more than the limit of {max_pixels:,}")
        source, most = image.fp, memory_for(max_pixels, budget)
        assert source is not None
        held = round(width * height * _held_share(image, max_pixels))
        if draft is not None:
            image.draft("RGB", draft)
        turned = "exif" in image.info and turn_of(image) is not None
        count = foreseen_bytes(image, held=held, turned=turned)
        check_memory(count, most, image)
        reserved.enter_context(budget.reserve(count))
        picture = _loaded(image, source, draft)
        turn = turn_of(picture)
        if turn is not None:
            check_memory(foreseen_bytes(image, held=0, turned=True), most, image)
            picture = picture.transpose(turn)
        return to_rgb(picture)


def _held_share(image: ImageFile.ImageFile, max_pixels: int) -> float:
    if image.format not in ("JPEG", "MPO"):
        return 0.0
    assert image.fp is not None
    before = image.fp.tell()
    share = jpeg.held_share(image.fp, most_pixels=jpeg.SCANS * max_pixels)
    image.fp.seek(before)
    return share


def _loaded(image: ImageFile.ImageFile, source: IO[bytes], draft: tuple[int, int] | None) -> Image.Image:
    if image.format == "TIFF":
        from vectortag.runtime.decoding.tiff import DeepTiff, read_deep  # here, since most photos are none

        if isinstance(image, DeepTiff) and image.layout is not None:
            picture, turn = read_deep(image), turn_of(image)
            return picture if turn is None else picture.transpose(turn)
    key = image.info.get("transparency")
    if image.format == "PNG" and isinstance(key, tuple) and str(image.tile[0].args).endswith(";16B"):
        image.info["transparency"] = tuple(value >> 8 for value in key)  # as the pixels will be
    is_jpeg = image.format in ("JPEG", "MPO")
    try:
        if not (is_jpeg and _ends_in_zeros(source)):
            image.load()
            return image
    except OSError as error:
        if not is_jpeg or "truncated" not in str(error):
            raise
    return jpeg.complete(source, lambda content: _load_again(content, draft))


def _ends_in_zeros(file: IO[bytes]) -> bool:
    before = file.tell()
    lacks_end = jpeg.lacks_end(file)
    file.seek(before)
    return lacks_end


def _load_again(content: bytes, draft: tuple[int, int] | None) -> Image.Image:
    with identify(io.BytesIO(content)) as image:
        if draft is not None:
            image.draft("RGB", draft)
        image.load()
        return image


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What turns a photo upright; None where it is, and where its EXIF data is broken."""
    try:
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF can raise almost anything, and takes nothing from the picture
        return None

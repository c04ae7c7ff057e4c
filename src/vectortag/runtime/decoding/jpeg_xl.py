"""JPEG XL (ISO/IEC 18181), decoded by libjxl through imagecodecs. Its header is read here, before it is decoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray
from vectortag.runtime.decoding.foreign import ForeignImage
from vectortag.runtime.decoding.optional_kinds import OPTIONAL

CODESTREAM = b"\xff\n"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

HEADER_BYTES = 256
"""Of a codestream: its size and the number of its channels stand in them."""
MOST_BOXES = 1000
"""Boxes of a container that are looked at for the first one that has a part of the picture."""
BYTES_BESIDE, BYTES_PER_CHANNEL = 8, 4
"""Bytes a pixel that libjxl takes beside the picture, as measured: with three channels, and for each one more."""
MOST_EXTRA_CHANNELS = 4
"""Beside colour, such as alpha and depth. Each is decoded whole; a file may declare 4,096 of them."""

RATIOS = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the number in the header less one."""

Samples = npt.NDArray[Any]

Choice = tuple[int, int]
"""A number of the header: what is added, and how many bits follow."""
SIDE: Sequence[Choice] = ((1, 9), (1, 13), (1, 18), (1, 30))
PREVIEW_SIDE: Sequence[Choice] = ((1, 6), (65, 8), (321, 10), (1345, 12))
PREVIEW_EIGHTHS: Sequence[Choice] = ((16, 0), (32, 0), (1, 5), (33, 9))
TICKS: Sequence[Choice] = ((100, 0), (1000, 0), (1, 10), (1, 30))
TICKS_BELOW: Sequence[Choice] = ((1, 0), (1001, 0), (1, 8), (1, 10))
LOOPS: Sequence[Choice] = ((0, 0), (0, 3), (0, 16), (0, 32))
WHOLE_BITS: Sequence[Choice] = ((8, 0), (10, 0), (12, 0), (1, 6))
FLOAT_BITS: Sequence[Choice] = ((32, 0), (16, 0), (24, 0), (1, 6))
EXTRA_CHANNELS: Sequence[Choice] = ((0, 0), (1, 0), (2, 4), (1, 12))


@dataclass(frozen=True, slots=True)
class Header:
    """What a codestream declares: the size of the upright picture, and the channels beside colour."""

    width: int
    height: int
    extra_channels: int


def open_jpeg_xl(file: IO[bytes]) -> ForeignImage:
    """Read the header of a JPEG XL photo.

    Raises:
        PhotoError: it is broken, or the extra for it is not installed.
    """
    try:
        from imagecodecs import jpegxl_decode
    except ImportError as error:
        raise OPTIONAL["jxl"].is_missing() from error
    header = read_header(file)
    if header.extra_channels > MOST_EXTRA_CHANNELS:
        raise PhotoError(f"it has {header.extra_channels:,} channels beside colour, more than {MOST_EXTRA_CHANNELS}")
    size = (header.width, header.height)
    held = header.width * header.height * (BYTES_BESIDE + BYTES_PER_CHANNEL * header.extra_channels)
    mode = "RGBA" if header.extra_channels else "RGB"

    def decode() -> Image.Image:
        file.seek(0)
        return _decode(jpegxl_decode, file.read(), size)

    return ForeignImage(file, form="JPEG XL", mode=mode, size=size, decode=decode, held=held)


def read_header(file: IO[bytes]) -> Header:
    """What a file declares, of its first bytes.

    Raises:
        PhotoError: it has no codestream, or ends within its header.
    """
    start = _codestream(file)
    if not start.startswith(CODESTREAM):
        raise PhotoError("broken photo: a JPEG XL file without a picture")
    try:
        return _parse(_Bits(start[len(CODESTREAM) :]))
    except EOFError as error:
        raise PhotoError("broken photo: the file ends within its header") from error


def _codestream(file: IO[bytes]) -> bytes:
    """The first bytes of the codestream: the file itself, or in a box of it, whole or as the first of several parts."""
    file.seek(0)
    start = file.read(len(CONTAINER))
    if start != CONTAINER:
        return start + file.read(HEADER_BYTES)
    position, end = len(start), file.seek(0, io.SEEK_END)
    for _ in range(MOST_BOXES):
        if position >= end:
            break
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            break
        length, kind, skipped = int.from_bytes(head[:4]), head[4:8], 8
        if length == 1 and len(head) == 16:
            length, skipped = int.from_bytes(head[8:]), 16
        if kind in (b"jxlc", b"jxlp"):
            file.seek(position + skipped + (4 if kind == b"jxlp" else 0))
            return file.read(HEADER_BYTES)
        if length < skipped:  # 0: the box goes on to the end of the file
            break
        position += length
    return b""


class _Bits:
    """Reads numbers, the lowest bit first."""

    def __init__(self, content: bytes) -> None:
        self._bits, self._left = int.from_bytes(content, "little"), 8 * len(content)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise EOFError
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value

    def choose(self, choices: Sequence[Choice]) -> int:
        """A number in one of four ways, which two bits choose."""
        added, bits = choices[self.take(2)]
        return added + self.take(bits)


def _parse(bits: _Bits) -> Header:
    """SizeHeader and the start of ImageMetadata."""
    width, height = _size(bits)
    if bits.take(1):  # all as usual
        return Header(width, height, 0)
    orientation = 1
    if bits.take(1):
        orientation = 1 + bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _size(bits, preview=True)
        if bits.take(1):
            _animation(bits)
    if bits.take(1):
        bits.choose(FLOAT_BITS)
        bits.take(4)
    else:
        bits.choose(WHOLE_BITS)
    bits.take(1)
    extra = bits.choose(EXTRA_CHANNELS)
    return Header(height, width, extra) if orientation > 4 else Header(width, height, extra)


def _size(bits: _Bits, *, preview: bool = False) -> tuple[int, int]:
    """Width and height; small multiples of eight are written shorter."""
    in_eighths = bits.take(1)

    def side() -> int:
        if not in_eighths:
            return bits.choose(PREVIEW_SIDE if preview else SIDE)
        return 8 * (bits.choose(PREVIEW_EIGHTHS) if preview else 1 + bits.take(5))

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    across, down = RATIOS[ratio - 1]
    return height * across // down, height


def _animation(bits: _Bits) -> None:
    for choices in (TICKS, TICKS_BELOW, LOOPS):
        bits.choose(choices)
    bits.take(1)


def _decode(decoder: Callable[..., Samples], content: bytes, size: tuple[int, int]) -> Image.Image:
    try:
        samples = decoder(content, index=0, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise PhotoError(f"broken photo: {error}") from error
    if samples.ndim not in (2, 3) or samples.shape[1::-1] != size:
        raise PhotoError(f"broken photo: {samples.shape} is not what its header declares, {size[0]} x {size[1]}")
    return _picture(samples)


def _picture(samples: Samples) -> Image.Image:
    """(H, W) or (H, W, C) of 8 or 16 bits, or floating-point in [0, 1]; channels beside alpha are dropped."""
    pixels = _to_bytes(samples)
    if pixels.ndim == 2:
        return Image.fromarray(pixels)
    grey = pixels.shape[2] < 3
    kept = pixels[:, :, :2] if grey else pixels[:, :, :4]
    if kept.shape[2] == 1:
        return Image.fromarray(kept[:, :, 0])
    return Image.fromarray(np.ascontiguousarray(kept))


def _to_bytes(samples: Samples) -> ByteArray:
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    if samples.dtype == np.uint16:
        return (samples >> 8).astype(np.uint8)
    if samples.dtype in (np.float16, np.float32):
        return (np.nan_to_num(samples).clip(0, 1) * 255).round().astype(np.uint8)
    raise PhotoError(f"its pixels are {samples.dtype}, and have no known range")

"""TIFF beyond eight bits a sample: read here, since Pillow leaves out, clips or inverts much of it.

A TIFF is compressed byte by byte, whatever its samples are. So libtiff is asked for bytes: `_as_bytes` appends a
directory to the file that calls each row a row of 8-bit grey, and the samples are made of its bytes here.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray
from vectortag.runtime.decoding.memory import check_file_size

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
SAMPLES, ROWS_PER_STRIP, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT = 277, 278, 284, 317, 322, 323
STRIPS, STRIP_BYTES, TILES, TILE_BYTES, EXTRA, FORMAT = 273, 279, 324, 325, 338, 339

BYTEWISE = {1, 5, 8, 32773, 32946, 34925, 50000}
"""Compressions of bytes: none, LZW, deflate, PackBits, LZMA, Zstandard."""
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
PREMULTIPLIED = 1
BAND = 1 << 22
"""Samples that are worked on at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the samples of a TIFF lie. `bits` of each sample, `kind` one of UNSIGNED, SIGNED and FLOAT."""

    width: int
    height: int
    bits: int
    kind: int
    samples: int
    photometric: int
    extra: tuple[int, ...]
    planar: bool
    predictor: int
    compression: int
    order: str

    @property
    def colours(self) -> int:
        return 3 if self.photometric == 2 else 1

    @property
    def row_bytes(self) -> int:
        return (self.width * self.bits * (1 if self.planar else self.samples) + 7) // 8

    def __str__(self) -> str:
        kind = {UNSIGNED: "", SIGNED: "signed ", FLOAT: "floating-point "}.get(self.kind, "unknown ")
        return f"TIFF of {self.samples} {kind}sample{'s' * (self.samples > 1)} of {self.bits} bits a pixel"


class DeepTiff(TiffImagePlugin.TiffImageFile):
    """A TIFF of other samples than 8 unsigned bits, if `layout` is set; else one as Pillow reads it."""

    format = "TIFF"
    layout: Layout | None = None

    def _setup(self) -> None:
        layout = _layout(self.tag_v2)
        if layout is None or layout.photometric not in (0, 1, 2) or layout.compression not in BYTEWISE:
            self._setup_by_pillow(layout)
            return
        _refuse_unreadable(layout)
        self.layout = layout
        self.tile = []
        self._size = layout.width, layout.height
        self._mode = "RGBA" if layout.extra else "RGB" if layout.colours == 3 else "L"

    def _setup_by_pillow(self, layout: Layout | None) -> None:
        name = layout or "TIFF"
        try:
            super()._setup()
        except SyntaxError as error:
            raise PhotoError(f"a {name} of this form is not read: {error}") from error
        if layout is not None and self.mode not in ("RGB", "RGBA", "RGBX", "CMYK"):
            raise PhotoError(f"a {name} of this form is not read; save the picture with 8 or 16 bits")


def _layout(tags: TiffImagePlugin.ImageFileDirectory_v2) -> Layout | None:
    """None where every sample has at most 8 unsigned bits: Pillow reads those."""
    bits = _numbers(tags, BITS, 1)
    kinds = _numbers(tags, FORMAT, UNSIGNED)
    if max(bits) <= 8 and max(kinds) == UNSIGNED:
        return None
    photometric = _numbers(tags, PHOTOMETRIC, 0)[0]
    samples = _numbers(tags, SAMPLES, max(1, len(bits)))[0]
    spare = samples - (3 if photometric == 2 else 1)
    extra = _numbers(tags, EXTRA, 2 if spare else 0)[: max(0, spare)] if spare > 0 else ()
    if len(set(bits)) > 1 or len(set(kinds)) > 1:
        raise PhotoError(f"a TIFF whose samples differ, of {bits} bits, is not read; save it with 8 or 16 bits")
    return Layout(
        width=_numbers(tags, WIDTH, 0)[0],
        height=_numbers(tags, HEIGHT, 0)[0],
        bits=bits[0],
        kind=kinds[0],
        samples=samples,
        photometric=photometric,
        extra=tuple(extra) if any(extra) else (),
        planar=_numbers(tags, PLANAR, 1)[0] == 2 and samples > 1,
        predictor=_numbers(tags, PREDICTOR, 1)[0],
        compression=_numbers(tags, COMPRESSION, 1)[0],
        order="<" if tags.prefix == b"II" else ">",
    )


def _numbers(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: int) -> tuple[int, ...]:
    found = tags.get(tag, default)
    values = found if isinstance(found, tuple) else (found,)
    if not values or not all(isinstance(value, int) for value in values):
        raise PhotoError(f"broken photo: its tag {tag} is no number")
    return values


def _refuse_unreadable(layout: Layout) -> None:
    if layout.kind == FLOAT:
        raise PhotoError("floating-point pixels have no known range; save the picture with 8 or 16 bits")
    readable = layout.kind in (UNSIGNED, SIGNED) and 1 <= layout.bits <= 32
    whole = layout.bits in (8, 16, 32)
    if not readable or (layout.kind == SIGNED and not whole) or (layout.predictor not in (1, 2)):
        raise PhotoError(f"a {layout} is not read; save the picture with 8 or 16 bits")
    if layout.predictor == 2 and not whole:
        raise PhotoError(f"a {layout} with predictor is not read; save the picture with 8 or 16 bits")
    if layout.samples < layout.colours:
        raise PhotoError(f"broken photo: a {layout} has no colours")


def read_deep(image: DeepTiff) -> Image.Image:
    """The picture in 8 bits: mode L or RGB, RGBA where it has an alpha.

    Raises:
        PhotoError: the range of its samples is unknown.
        OSError: it is broken.
    """
    layout = image.layout
    assert layout is not None
    rows = np.asarray(_as_bytes(image, layout))  # (height or samples * height, row_bytes)
    scale = _scale(rows, layout)
    step = max(1, BAND // max(1, layout.width * layout.samples))
    mode = "LA" if layout.extra and layout.colours == 1 else image.mode
    premultiplied = layout.extra[:1] == (PREMULTIPLIED,)
    picture = Image.new("RGBA" if layout.extra else mode, (layout.width, layout.height))
    for top in range(0, layout.height, step):
        band = _samples(rows, layout, top, min(top + step, layout.height))
        eight = scale.to_eight(band)
        if layout.photometric == 0:
            eight[:, :, 0] = 255 - eight[:, :, 0]
        wanted = eight[:, :, : layout.colours + bool(layout.extra)]
        part = Image.fromarray(np.ascontiguousarray(wanted[:, :, 0] if wanted.shape[2] == 1 else wanted))
        if premultiplied:
            part = _unmultiplied(part)
        picture.paste(part.convert(picture.mode), (0, top))
    return picture


def _unmultiplied(part: Image.Image) -> Image.Image:
    coloured = part.convert("RGBA")  # of grey, three equal colours
    return Image.frombytes("RGBa", coloured.size, coloured.tobytes()).convert("RGBA")


@dataclass(frozen=True, slots=True)
class _Scale:
    """A sample's place in its range, as 8 bits: (sample + offset) >> shift."""

    offset: int
    shift: int

    def to_eight(self, samples: npt.NDArray[np.integer]) -> ByteArray:
        if self.shift == 0 and self.offset == 0:
            return samples.astype(np.uint8)
        moved = samples.astype(np.int64) + self.offset
        return (moved >> self.shift if self.shift >= 0 else moved << -self.shift).clip(0, 255).astype(np.uint8)


def _scale(rows: ByteArray, layout: Layout) -> _Scale:
    """The range that the samples are in. Where a number has room for another range, what there is tells it.

    Programs keep pictures of 8 to 12 bits in 16, of 8 to 16 bits in 32, and photos in the positive half of signed
    numbers. A photo of a sixteenth of the brightness that its numbers can say is much rarer.
    """
    if layout.bits not in (8, 16, 32) or (layout.bits == 8 and layout.kind == UNSIGNED):
        return _Scale(0, layout.bits - 8)
    least, most = _extremes(rows, layout)
    if least < 0:
        bits = next(bits for bits in (8, 16, 32) if -(1 << (bits - 1)) <= least and most < 1 << (bits - 1))
        if most - least < 1 << (bits - 2):
            raise PhotoError(f"the range of a {layout} is unknown; save the picture with 8 or 16 bits")
        return _Scale(1 << (bits - 1), bits - 8)
    full = layout.bits - (layout.kind == SIGNED)
    bits = next((bits for bits in (8, 10, 12, 16) if bits < full - 1 and most < 1 << bits), full)
    return _Scale(0, bits - 8)


def _extremes(rows: ByteArray, layout: Layout) -> tuple[int, int]:
    """The least and the greatest sample of the colours."""
    step = max(1, BAND // max(1, layout.width * layout.samples))
    bands = (
        _samples(rows, layout, top, min(top + step, layout.height))[:, :, : layout.colours]
        for top in range(0, layout.height, step)
    )
    found = [(int(band.min()), int(band.max())) for band in bands]
    return min(least for least, _ in found), max(most for _, most in found)


def _samples(rows: ByteArray, layout: Layout, top: int, bottom: int) -> npt.NDArray[np.integer]:
    """(bottom - top, width, samples): rows of samples, in any integer type that holds them."""
    if layout.planar:
        planes = rows.reshape(layout.samples, layout.height, -1)[:, top:bottom]
        return np.stack([_unpacked(plane, layout, 1)[:, :, 0] for plane in planes], axis=2)
    return _unpacked(rows[top:bottom], layout, layout.samples)


def _unpacked(rows: ByteArray, layout: Layout, samples: int) -> npt.NDArray[np.integer]:
    count = layout.width * samples
    if layout.bits in (8, 16, 32):
        letter = "i" if layout.kind == SIGNED else "u"
        numbers = np.ascontiguousarray(rows).view(f"{layout.order}{letter}{layout.bits // 8}")[:, :count]
        shaped = numbers.reshape(len(rows), layout.width, samples)
        if layout.predictor == 2:
            shaped = np.cumsum(shaped, axis=1, dtype=shaped.dtype.newbyteorder("="))
        return shaped
    places = np.unpackbits(rows, axis=1)[:, : count * layout.bits].reshape(len(rows), count, layout.bits)
    weights = (1 << np.arange(layout.bits - 1, -1, -1, dtype=np.int64)).astype(np.float64)
    return (places @ weights).astype(np.int64).reshape(len(rows), layout.width, samples)


def _as_bytes(image: DeepTiff, layout: Layout) -> Image.Image:
    """The decompressed rows as a picture of 8-bit grey, one plane below the other."""
    tags = image.tag_v2
    planes = layout.samples if layout.planar else 1
    parts = TILES if TILES in tags else STRIPS
    if parts not in tags:
        raise PhotoError("broken photo: it has no picture")
    about: dict[int, tuple[int, ...]] = {
        WIDTH: (layout.row_bytes,),
        HEIGHT: (layout.height * planes,),
        BITS: (8,),
        COMPRESSION: (layout.compression,),
        PHOTOMETRIC: (1,),
        FILL_ORDER: _numbers(tags, FILL_ORDER, 1),
        SAMPLES: (1,),
        parts: _numbers(tags, parts, 0),
    }
    tall = _numbers(tags, ROWS_PER_STRIP if parts == STRIPS else TILE_HEIGHT, layout.height)[0]
    if planes > 1 and tall < layout.height and layout.height % tall:
        raise PhotoError(f"a {layout}, in planes, is not read; save the picture with 8 or 16 bits")
    if parts == TILES:
        pixel_bits = layout.bits * (layout.samples if planes == 1 else 1)
        about[TILE_WIDTH] = (_numbers(tags, TILE_WIDTH, 0)[0] * pixel_bits // 8,)
        about[TILE_HEIGHT] = (tall,)
    else:
        about[ROWS_PER_STRIP] = (min(tall, layout.height),)
    sizes = TILE_BYTES if parts == TILES else STRIP_BYTES
    if sizes in tags:
        about[sizes] = _numbers(tags, sizes, 0)
    file = image.fp
    assert file is not None
    check_file_size(file, str(layout))
    file.seek(0)
    return TiffImagePlugin.TiffImageFile(io.BytesIO(_with_directory(file.read(), about, layout.order)), "")


def _with_directory(content: bytes, about: dict[int, tuple[int, ...]], order: str) -> bytes:
    """The file with another directory at its end; its header leads there."""
    if content[2:4] in (b"\x2b\0", b"\0\x2b"):
        raise PhotoError("a BigTIFF of this kind is not read; save the picture with 8 or 16 bits")
    content += b"\0" * (len(content) % 2)
    long, entries = 4, []
    values = b""
    start = len(content)
    for tag, numbers in sorted(about.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        where = packed if len(numbers) == 1 else struct.pack(order + "I", start + len(values))
        values += packed if len(numbers) > 1 else b""
        entries.append(struct.pack(order + "HHI", tag, long, len(numbers)) + where)
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return content[:4] + struct.pack(order + "I", start + len(values)) + content[8:] + values + directory

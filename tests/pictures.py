"""Picture files that Pillow does not write, made by code."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def encode(image: Image.Image, file_format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def smooth_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    corners = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def four_colours() -> np.ndarray:
    """(32, 64, 3): four fields of different colours, so that no two of its eight orientations look alike."""
    quarters = np.uint8([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [240, 240, 240]]])
    return quarters.repeat(16, axis=0).repeat(32, axis=1)


# How the camera stored an upright picture, by the Exif standard's tag 274 (where the 0th row and 0th column are).
STORED_AS = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def png(width: int, height: int, *, colour: int = 0, bits: int = 8, rows: bytes | None = None) -> bytes:
    """A PNG of these rows, each after its filter byte; without rows, only what says how large it is."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    data = zlib.compress(rows) if rows is not None else zlib.compress(b"\0")
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, (b"IHDR", b"IDAT", b"IEND"), (header, data, b"")))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def empty_gif(width: int, height: int) -> bytes:
    """35 bytes: a screen of any size with a frame of one pixel."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0;"


def packed(samples: np.ndarray, bits: int) -> bytes:
    """(H, N) unsigned: each row as bits, the highest first, filled up to a byte."""
    places = (samples[:, :, None].astype(np.uint64) >> np.arange(bits - 1, -1, -1, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(places.astype(np.uint8).reshape(len(samples), -1), axis=1).tobytes()


def tiff(samples: np.ndarray, bits: int, *, order: str = "<", photometric: int = 1, kind: int = 1,
         extra: tuple[int, ...] = (), planar: bool = False, deflate: bool = False, predictor: bool = False,
         rows_per_strip: int | None = None, orientation: int = 1) -> bytes:  # fmt: skip
    """A TIFF of (H, W, S) samples, as its specification says: packed where the bits are no whole bytes."""
    height, width, count = samples.shape
    planes = samples.transpose(2, 0, 1)[..., None] if planar else samples[None]
    tall = rows_per_strip or height
    strips = [plane[top : top + tall] for plane in planes for top in range(0, height, tall)]
    contents = [_strip(strip, bits, order, kind, predictor) for strip in strips]
    contents = [zlib.compress(content) for content in contents] if deflate else contents
    starts = np.cumsum([8, *map(len, contents)])
    tags = {256: [width], 257: [height], 258: [bits] * count, 259: [8 if deflate else 1], 262: [photometric]}
    tags |= {273: list(map(int, starts[:-1])), 274: [orientation], 277: [count], 278: [tall]}
    tags |= {
        279: list(map(len, contents)),
        284: [2 if planar else 1],
        317: [2 if predictor else 1],
        339: [kind] * count,
    }
    if extra:
        tags[338] = list(extra)
    return with_directory(b"".join(contents), tags, order)


def _strip(strip: np.ndarray, bits: int, order: str, kind: int, predictor: bool) -> bytes:
    if bits not in (8, 16, 32):
        return packed(strip.reshape(len(strip), -1), bits)
    numbers = strip.astype(f"{'i' if kind == 2 else 'u'}{bits // 8}")
    if predictor:
        numbers = np.diff(numbers, axis=1, prepend=np.zeros_like(numbers[:, :1]))
    return numbers.astype(numbers.dtype.newbyteorder(order)).tobytes()


def with_directory(data: bytes, tags: dict[int, list[int]], order: str = "<") -> bytes:
    """A TIFF of this data, which starts at byte 8; every tag is a list of 32-bit numbers."""
    data += bytes(len(data) % 2)
    values, entries = b"", b""
    after = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        content = struct.pack(f"{order}{len(numbers)}I", *numbers)
        where = content if len(numbers) == 1 else struct.pack(order + "I", after + len(values))
        values += b"" if len(numbers) == 1 else content
        entries += struct.pack(order + "HHI", tag, 4, len(numbers)) + where
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4) + values


def dng(mosaic: np.ndarray, preview: bytes | None = None, *, orientation: int = 1, size: tuple[int, int] | None = None,
        preview_bytes: int | None = None) -> bytes:  # fmt: skip
    """A camera's RAW photo (DNG): (H, W) of 16 bits behind red, green, green and blue filters, and a JPEG beside it.

    `size` and `preview_bytes` are what the file says of itself, where that is not the truth.
    """
    width, height = size or mosaic.shape[::-1]
    data = mosaic.astype("<u2").tobytes()
    starts = {"sensor": 8, "preview": 8 + len(data)}
    shown = preview or b""
    matrix = [value for row in ((1, 0, 0), (0, 1, 0), (0, 0, 1)) for value in row]
    sensor = {
        254: (4, [0]), 256: (4, [width]), 257: (4, [height]), 258: (3, [16]), 259: (3, [1]), 262: (3, [32803]),
        271: (2, b"Maker\0"), 272: (2, b"Camera\0"), 273: (4, [starts["sensor"]]), 274: (3, [orientation]),
        277: (3, [1]), 278: (4, [height]), 279: (4, [2 * width * height % 2**32]), 33421: (3, [2, 2]),
        33422: (1, bytes([0, 1, 1, 2])), 50706: (1, bytes([1, 4, 0, 0])), 50708: (2, b"Maker Camera\0"),
        50714: (3, [0]), 50717: (3, [65535]), 50721: (10, [n for value in matrix for n in (value, 1)]),
        50728: (5, [1, 1] * 3), 50778: (3, [21]),
    }  # fmt: skip
    directories = [sensor]
    if preview is not None:
        with Image.open(io.BytesIO(preview)) as image:
            across, down = image.size
        counted = len(shown) if preview_bytes is None else preview_bytes
        directories.append({
            254: (4, [1]), 256: (4, [across]), 257: (4, [down]), 258: (3, [8, 8, 8]), 259: (3, [7]), 262: (3, [6]),
            273: (4, [starts["preview"]]), 277: (3, [3]), 278: (4, [down]), 279: (4, [counted]),
        })  # fmt: skip
    return _with_directories(data + shown, directories)


def _with_directories(data: bytes, directories: list[dict[int, tuple[int, list[int] | bytes]]]) -> bytes:
    """A little-endian TIFF of this data, which starts at byte 8; the second directory is within the first."""
    forms = {3: "H", 4: "I", 5: "I", 10: "i"}
    data += bytes(len(data) % 2)
    blocks, end = [], 8 + len(data)
    for tags in reversed(directories):
        if tags is directories[0] and blocks:
            tags = {**tags, 330: (4, [inner])}  # noqa: F821
        entries, values = b"", b""
        after = end + 2 + 12 * len(tags) + 4
        for tag, (kind, given) in sorted(tags.items()):
            content = given if isinstance(given, bytes) else struct.pack(f"<{len(given)}{forms[kind]}", *given)
            count = len(given) // (2 if kind in (5, 10) else 1)
            where = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack("<I", after + len(values))
            values += (content + bytes(len(content) % 2)) if len(content) > 4 else b""
            entries += struct.pack("<HHI", tag, kind, count) + where
        inner = end
        blocks.append(struct.pack("<H", len(tags)) + entries + bytes(4) + values)
        end += len(blocks[-1])
    return b"II*\0" + struct.pack("<I", inner) + data + b"".join(blocks)

"""Small photos of every format, and damage to their bytes that a seed decides."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable

import numpy as np
from pictures import chunk, encode, smooth_picture, tiff
from PIL import Image

BYTES = (0, 1, 2, 0x7F, 0x80, 0xD8, 0xD9, 0xFE, 0xFF)
"""Values where decoders count, end or turn negative."""


@functools.cache
def originals() -> dict[str, bytes]:
    """A photo of each format and variant, by a name that ends in its suffix."""
    picture = smooth_picture(64, 48, seed=5)
    grey = np.asarray(picture.convert("L"))[:, :, None]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x9286] = 6, "maker", b"ASCII\0\0\0a comment"
    return _jpegs(picture, exif) | _pngs(picture, exif) | _tiffs(picture, grey) | _others(picture, exif)


def _jpegs(picture: Image.Image, exif: Image.Exif) -> dict[str, bytes]:
    return {
        "baseline.jpg": encode(picture, "JPEG"),
        "progressive.jpg": encode(picture, "JPEG", progressive=True),
        "restarts.jpg": encode(picture, "JPEG", restart_marker_blocks=1),
        "grey.jpg": encode(picture.convert("L"), "JPEG"),
        "cmyk.jpg": encode(picture.convert("CMYK"), "JPEG"),
        "exif.jpg": encode(picture, "JPEG", exif=exif, dpi=(300, 300), comment=b"a comment", icc_profile=bytes(300)),
        "full-colour.jpg": encode(picture, "JPEG", subsampling=0, quality=95),
        "mpo.jpg": encode(picture, "MPO", save_all=True, append_images=[picture.rotate(90)]),
    }


def _pngs(picture: Image.Image, exif: Image.Exif) -> dict[str, bytes]:
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    turned = [picture.rotate(angle) for angle in (90, 180)]
    return {
        "1.png": encode(picture.convert("1"), "PNG"),
        "8.png": encode(picture.convert("L"), "PNG"),
        "16.png": encode(deep, "PNG"),
        "rgb.png": encode(picture, "PNG", exif=exif),
        "rgba.png": encode(picture.convert("RGBA"), "PNG"),
        "palette.png": encode(picture.convert("P"), "PNG", transparency=bytes(range(256))),
        "4.png": encode(picture.quantize(16), "PNG", bits=4),
        "moving.png": encode(picture, "PNG", save_all=True, append_images=turned, duration=50),
        "text.png": _with_text(encode(picture, "PNG")),
    }


def _with_text(png: bytes) -> bytes:
    return png[:33] + chunk(b"tEXt", b"Comment\0words") + chunk(b"gAMA", b"\0\0\xb1\x8f") + png[33:]


def _tiffs(picture: Image.Image, grey: np.ndarray) -> dict[str, bytes]:
    schemes = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd")
    deep = grey.astype(np.uint64) * 257
    colours = np.asarray(picture)
    return {
        **{f"{scheme}.tif": encode(picture, "TIFF", compression=scheme) for scheme in schemes},
        "group4.tif": encode(picture.convert("1"), "TIFF", compression="group4"),
        "lab.tif": encode(picture.convert("LAB"), "TIFF"),
        "float.tif": encode(Image.fromarray(grey[:, :, 0].astype(np.float32)), "TIFF"),
        "pages.tif": encode(picture, "TIFF", save_all=True, append_images=[picture.rotate(90)]),
        "12.tif": tiff(deep >> 4, 12, deflate=True),
        "16.tif": tiff(colours.astype(np.uint64) * 257, 16, photometric=2, predictor=True),
        "signed.tif": tiff(deep - 32768, 16, kind=2, order=">"),
        "inverted.tif": tiff(65535 - deep, 16, photometric=0),
        "32.tif": tiff(deep * 65537, 32, rows_per_strip=7),
        "planar.tif": tiff(colours.astype(np.uint64), 8, photometric=2, planar=True),
    }


def _others(picture: Image.Image, exif: Image.Exif) -> dict[str, bytes]:
    photos = {
        "lossy.webp": encode(picture, "WEBP", exif=exif),
        "lossless.webp": encode(picture.convert("RGBA"), "WEBP", lossless=True),
        "moving.webp": encode(picture, "WEBP", save_all=True, append_images=[picture.rotate(90)]),
        "rgb.bmp": encode(picture, "BMP"),
        "palette.bmp": encode(picture.convert("P"), "BMP"),
        "rgba.bmp": encode(picture.convert("RGBA"), "BMP"),
        "still.gif": encode(picture, "GIF"),
        "moving.gif": encode(picture, "GIF", save_all=True, append_images=[picture.rotate(90)], loop=0),
        "lossy.avif": encode(picture, "AVIF", speed=10),
        "clear.avif": encode(picture.convert("RGBA"), "AVIF", speed=10),
    }
    try:
        import pillow_heif
    except ImportError:
        return photos
    file = pillow_heif.from_pillow(picture)
    import io

    content = io.BytesIO()
    file.save(content)
    return photos | {"photo.heic": content.getvalue()}


def mutated(seed: int) -> tuple[str, bytes]:
    """The name of an original, and its bytes after one or two damages; of every original in turn.

    Most PNGs have right checksums all the same, so that the decoder does not stop at the first chunk.
    """
    random = np.random.default_rng(seed)
    names = list(originals())
    name = names[seed % len(names)]
    content = bytearray(originals()[name])
    for _ in range(random.choice([1, 1, 1, 2])):
        if content:
            DAMAGES[random.integers(len(DAMAGES))](content, random)
    if name.endswith(".png") and random.random() < 0.8:
        _mend_checksums(content)
    return name, bytes(content)


def _mend_checksums(content: bytearray) -> None:
    place = 8
    while place + 12 <= len(content):
        end = place + 8 + struct.unpack_from(">I", content, place)[0]
        if end + 4 > len(content):
            return
        struct.pack_into(">I", content, end, zlib.crc32(content[place + 4 : end]))
        place = end + 4


Damage = Callable[[bytearray, np.random.Generator], None]


def _place(content: bytearray, random: np.random.Generator) -> int:
    """Half of all damage goes to the first 200 bytes, where headers are."""
    return int(random.integers(min(len(content), 200) if random.random() < 0.5 else len(content)))


def _flip_bits(content: bytearray, random: np.random.Generator) -> None:
    for _ in range(random.integers(1, 5)):
        content[_place(content, random)] ^= 1 << int(random.integers(8))


def _set_bytes(content: bytearray, random: np.random.Generator) -> None:
    first = _place(content, random)
    for place in range(first, min(len(content), first + int(random.choice([1, 2, 4, 8])))):
        content[place] = BYTES[random.integers(len(BYTES))]


def _set_number(content: bytearray, random: np.random.Generator) -> None:
    """A number of 2 or 4 bytes, as large, small or odd as it can be, in either order."""
    width, place = int(random.choice([2, 4])), _place(content, random)
    number = int(random.choice([0, 1, 255, 65535, (1 << 8 * width) - 1, 1 << 8 * width - 1, 30_000]))
    order = "little" if random.random() < 0.5 else "big"
    content[place : place + width] = number.to_bytes(width, order)  # type: ignore[arg-type]


def _cut(content: bytearray, random: np.random.Generator) -> None:
    del content[int(random.integers(len(content))) :]


def _remove(content: bytearray, random: np.random.Generator) -> None:
    place = _place(content, random)
    del content[place : place + int(random.integers(1, 64))]


def _insert(content: bytearray, random: np.random.Generator) -> None:
    place = _place(content, random)
    content[place:place] = random.bytes(int(random.integers(1, 64)))


def _repeat(content: bytearray, random: np.random.Generator) -> None:
    place, length = _place(content, random), int(random.integers(1, 400))
    content[place:place] = content[place : place + length] * int(random.integers(1, 5))


def _zero(content: bytearray, random: np.random.Generator) -> None:
    """As a disk does that lost a block."""
    place = _place(content, random)
    length = min(len(content) - place, int(random.integers(1, 512)))
    content[place : place + length] = bytes(length)


def _splice(content: bytearray, random: np.random.Generator) -> None:
    """The end of another photo."""
    other = list(originals().values())[random.integers(len(originals()))]
    content[_place(content, random) :] = other[int(random.integers(len(other))) :]


DAMAGES: tuple[Damage, ...] = (
    _flip_bits, _flip_bits, _flip_bits, _set_bytes, _set_bytes, _set_number, _set_number, _set_number,
    _cut, _remove, _insert, _repeat, _zero, _splice,
)  # fmt: skip

"""What a file is, found out from its header."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from pictures import chunk, encode, png, smooth_picture
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding import headers
from vectortag.runtime.decoding.headers import identify
from vectortag.runtime.pixels import open_image

LOSSLESS = {"WEBP": {"lossless": True}}
PICTURE = smooth_picture(60, 40)


def with_exif(file_format: str, exif: bytes) -> bytes:
    if file_format == "PNG":
        whole = encode(PICTURE, "PNG")
        return whole[:33] + chunk(b"eXIf", exif) + whole[33:]
    return encode(PICTURE, file_format, exif=b"Exif\0\0" + exif, **LOSSLESS.get(file_format, {}))


BROKEN_EXIF = {
    "words": b"GARBAGE! and more of it",
    "nothing": b"",
    "a header alone": b"II*\0",
    "a directory far away": b"II*\0\xff\xff\xff\x7f",
    "more entries than there are": b"MM\0*\0\0\0\x08\xff\xff\x01\x12\0\3",
    "an orientation that is text": b"II*\0\x08\0\0\0\1\0\x12\1\2\0\4\0\0\0abc\0\0\0\0\0",
    "an orientation of 99": b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0\0\0\0\0",
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("exif", BROKEN_EXIF)
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "JPEG"])
def test_a_photo_with_broken_exif_is_upright(file_format, exif):
    expected = encode(PICTURE, file_format, **LOSSLESS.get(file_format, {}))

    pixels = np.asarray(open_image(with_exif(file_format, BROKEN_EXIF[exif]), max_pixels=9999))

    np.testing.assert_array_equal(pixels, np.asarray(open_image(expected, max_pixels=9999)))


def test_a_photo_in_too_many_pieces_is_refused(monkeypatch):
    monkeypatch.setattr(headers, "MOST_READS", 1000)
    whole = encode(PICTURE, "PNG")

    with pytest.raises(PhotoError, match="the file is in more than 1,000 pieces"):
        identify(io.BytesIO(whole[:33] + chunk(b"tEXt", b"a\0b") * 2000 + whole[33:]))
    with pytest.raises(PhotoError, match="the file is in more than 1,000 pieces"):
        open_image(whole[:33] + chunk(b"IDAT", b"") * 2000 + whole[33:], max_pixels=9999)


def test_runs_of_one_pixel_are_pieces_too(monkeypatch):
    monkeypatch.setattr(headers, "MOST_READS", 1000)
    size = 100
    header = struct.pack("<IiiHHIIiiII", 40, size, size, 1, 8, 1, 0, 0, 0, 2, 0)
    palette = b"\0\0\0\0\xff\xff\xff\0"
    start = 14 + len(header) + len(palette)
    photo = b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + header + palette + b"\1\1" * size * size + b"\0\1"

    with pytest.raises(PhotoError, match="the file is in more than 1,000 pieces"):
        open_image(photo, max_pixels=10_000)


@pytest.mark.parametrize("key", [(0xFFFF, 0, 0), (0xFF12, 0x0034, 0x0056)])
def test_a_transparent_colour_of_sixteen_bits_is_white(key):
    rows = b"\0" + struct.pack(">6H", *key, 0x1000, 0x2000, 0x3000)
    whole = png(2, 1, colour=2, bits=16, rows=rows)
    photo = whole[:33] + chunk(b"tRNS", struct.pack(">3H", *key)) + whole[33:]

    assert np.asarray(open_image(photo, max_pixels=10)).tolist() == [[[255, 255, 255], [0x10, 0x20, 0x30]]]


@pytest.mark.parametrize(
    ("colour", "pixel"),
    [(0, (0x4020,)), (2, (0x4020, 0x8020, 0xC020)), (4, (0x4020, 0xFFFF)), (6, (0x40FF, 0x80FF, 0xC0FF, 0xFFFF))],
)
def test_a_png_of_sixteen_bits_is_the_picture_in_eight(colour, pixel):
    rows = (b"\0" + struct.pack(f">{len(pixel)}H", *pixel) * 5) * 4

    pixels = np.asarray(open_image(png(5, 4, colour=colour, bits=16, rows=rows), max_pixels=100))

    expected = [0x40, 0x80, 0xC0] if colour in (2, 6) else [0x40] * 3
    assert (pixels == expected).all()


def bmp_with_alpha(alpha: int) -> bytes:
    """32 bits with masks for four channels, in a header of version 5."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 124, 60, -40, 1, 32, 3, 0, 0, 0, 0, 0) + masks + b"BGRs" + bytes(64)
    pixels = np.dstack([np.asarray(PICTURE)[:, :, ::-1], np.full((40, 60), alpha, np.uint8)]).tobytes()
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels


@pytest.mark.parametrize("photo", [bmp_with_alpha(0), bmp_with_alpha(255)], ids=["unused", "used"])
def test_a_bmp_whose_alpha_is_unused_shows_its_picture(photo):
    np.testing.assert_array_equal(np.asarray(open_image(photo, max_pixels=9999)), np.asarray(PICTURE))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_so_does_any_picture_of_which_nothing_would_be_seen(mode):
    clear = PICTURE.convert(mode)
    clear.putalpha(0)

    expected = np.asarray(PICTURE.convert("L" if mode == "LA" else "RGB").convert("RGB"))
    np.testing.assert_array_equal(np.asarray(open_image(encode(clear, "PNG"), max_pixels=9999)), expected)


def test_a_large_picture_is_converted_in_bands(monkeypatch):
    layered = PICTURE.convert("RGBA")
    layered.putalpha(Image.linear_gradient("L").resize(PICTURE.size))
    expected = np.asarray(open_image(encode(layered, "PNG"), max_pixels=9999))
    monkeypatch.setattr("vectortag.runtime.decoding.colours.BAND", 100)

    np.testing.assert_array_equal(np.asarray(open_image(encode(layered, "PNG"), max_pixels=9999)), expected)

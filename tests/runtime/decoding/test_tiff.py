"""TIFF of every depth: the picture that its 8-bit twin is, or refused by name."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from pictures import encode, smooth_picture, tiff, with_directory
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.pixels import open_image

COLOURS = np.asarray(smooth_picture(45, 30))
GREY = np.asarray(smooth_picture(45, 30).convert("L"))[:, :, None]


def read(photo: bytes) -> np.ndarray:
    return np.asarray(open_image(photo, max_pixels=10_000))


def stretched(picture: np.ndarray, bits: int) -> np.ndarray:
    """8 bits spread over the range of others."""
    return picture.astype(np.uint64) * ((1 << bits) - 1) // 255


def same_as(picture: np.ndarray) -> np.ndarray:
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16, 24, 32])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("picture", [GREY, COLOURS], ids=["grey", "colours"])
def test_every_depth_is_the_same_picture_in_eight_bits(picture, order, bits):
    photo = tiff(stretched(picture, bits), bits, order=order, photometric=1 if picture is GREY else 2)

    np.testing.assert_allclose(read(photo), same_as(picture), atol=1)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_where_white_is_the_least_number_it_stays_white(bits):
    photo = tiff(stretched(255 - GREY, bits), bits, photometric=0)

    np.testing.assert_allclose(read(photo), same_as(GREY), atol=1)


@pytest.mark.parametrize(("bits", "low"), [*itertools.product((8, 16, 32), (True, False))])
def test_signed_numbers_are_the_same_picture(bits, low):
    """Photos are kept in all of a signed range, and in its positive half."""
    values = stretched(GREY, bits).astype(np.int64) - (1 << (bits - 1)) if low else stretched(GREY, bits - 1)

    np.testing.assert_allclose(read(tiff(values, bits, kind=2)), same_as(GREY), atol=2)


@pytest.mark.parametrize(("bits", "held_in"), [(8, 16), (10, 16), (12, 16), (8, 32), (12, 32), (16, 32)])
@pytest.mark.parametrize("kind", [1, 2], ids=["unsigned", "signed"])
def test_small_numbers_in_large_ones_keep_their_own_range(bits, held_in, kind):
    np.testing.assert_allclose(read(tiff(stretched(GREY, bits), held_in, kind=kind)), same_as(GREY), atol=1)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [16, 32])
def test_grey_with_alpha_lies_on_white(bits, order):
    alpha = np.full_like(GREY, 255)
    alpha[:, :20] = 0
    photo = tiff(stretched(np.concatenate([GREY, alpha], axis=2), bits), bits, order=order, extra=(2,))

    pixels = read(photo)

    np.testing.assert_allclose(pixels[:, 20:], same_as(GREY)[:, 20:], atol=1)
    assert (pixels[:, :20] == 255).all()


def test_colours_that_were_multiplied_with_their_alpha_are_not_darkened_twice():
    half = np.concatenate([GREY // 2, np.full_like(GREY, 128)], axis=2)

    pixels = read(tiff(stretched(half, 16), 16, extra=(1,)))

    np.testing.assert_allclose(pixels[:, :, 0], GREY[:, :, 0] // 2 + 127.0, atol=3)


def test_an_alpha_that_was_never_filled_in_is_left_out():
    photo = tiff(stretched(np.concatenate([GREY, np.zeros_like(GREY)], axis=2), 16), 16, extra=(2,))

    np.testing.assert_allclose(read(photo), same_as(GREY), atol=1)


@pytest.mark.parametrize("options", [
    {"deflate": True}, {"deflate": True, "predictor": True}, {"deflate": True, "predictor": True, "order": ">"},
    {"planar": True}, {"planar": True, "deflate": True, "rows_per_strip": 10}, {"rows_per_strip": 7},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("bits", [16, 32])
def test_however_it_is_laid_out(bits, options):
    photo = tiff(stretched(COLOURS, bits), bits, photometric=2, **options)

    np.testing.assert_allclose(read(photo), COLOURS, atol=1)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_what_other_programs_compress(mode, compression):
    values = (GREY[:, :, 0].astype(np.int32) * 257).astype(np.uint16 if mode == "I;16" else np.int32)

    np.testing.assert_array_equal(read(encode(Image.fromarray(values), "TIFF", compression=compression)), same_as(GREY))


def test_a_large_one_is_read_in_bands(monkeypatch):
    monkeypatch.setattr("vectortag.runtime.decoding.tiff.BAND", 100)

    np.testing.assert_allclose(read(tiff(stretched(COLOURS, 12), 12, photometric=2)), COLOURS, atol=1)


def test_it_comes_upright():
    photo = tiff(stretched(np.rot90(GREY), 16), 16, orientation=6)

    np.testing.assert_allclose(read(photo), same_as(GREY), atol=1)


@pytest.mark.parametrize(("photo", "problem"), [
    (tiff(stretched(GREY, 32), 32, kind=3), "floating-point pixels have no known range"),
    (tiff(GREY.astype(np.int64) * 4 - 600, 16, kind=2), "the range of a TIFF of 1 signed sample of 16 bits a pixel is"),
    (tiff(stretched(GREY, 12), 12, kind=2), "a TIFF of 1 signed sample of 12 bits a pixel is not read"),
    (tiff(stretched(COLOURS, 16), 16, photometric=8), "a TIFF of 3 samples of 16 bits .* is not read: unknown"),
    (tiff(stretched(COLOURS, 16), 16, photometric=2, planar=True, rows_per_strip=7), "in planes, is not read"),
], ids=["floating-point", "a range like heights", "signed 12 bits", "Lab", "planes"])  # fmt: skip
def test_what_cannot_be_read_right_is_refused_by_name(tmp_path, photo, problem):
    (tmp_path / "scan.tif").write_bytes(photo)

    with pytest.raises(PhotoError, match=rf"scan\.tif: .*({problem})"):
        open_image(tmp_path / "scan.tif", max_pixels=10_000)


def test_millions_of_strips_are_refused_before_they_are_read():
    about = {256: [1], 257: [300_000], 258: [8], 259: [1], 262: [1], 277: [1], 278: [1]}
    photo = with_directory(b"\0\0", about | {273: [8] * 300_000, 279: [1] * 300_000})

    with pytest.raises(PhotoError, match="its picture is in 300,000 parts, more than the limit of 200,000"):
        open_image(photo, max_pixels=1_000_000)


def test_values_without_end_are_refused():
    photo = with_directory(b"\0\0", {256: [1], 257: [1], 258: [8], 262: [1], 273: [8], 279: [1], 700: [0] * 3})
    huge = photo.replace(struct.pack("<HHI", 700, 4, 3), struct.pack("<HHI", 700, 4, 100_000_000))

    with pytest.raises(PhotoError, match="its tags have 400,000,024 bytes, more than the limit of 64,000,000"):
        open_image(huge, max_pixels=1_000_000)


@pytest.mark.parametrize("cut", [12, 40, 200])
def test_a_cut_one_is_an_error(cut):
    with pytest.raises(PhotoError):
        read(tiff(stretched(GREY, 16), 16)[:cut])
    with pytest.raises(PhotoError):
        read(tiff(stretched(GREY, 12), 12, deflate=True)[:-cut])


def test_libtiff_prints_nothing(capfd):
    photo = bytearray(encode(smooth_picture(64, 64), "TIFF", compression="tiff_lzw"))
    photo[200:400] = bytes(200)

    with pytest.raises(PhotoError, match="decoder error"):
        read(bytes(photo))

    assert capfd.readouterr().err == ""

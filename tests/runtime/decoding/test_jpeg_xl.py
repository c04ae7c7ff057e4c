"""JPEG XL: the header is checked against what imagecodecs writes, and hostile headers are refused."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from pictures import smooth_picture

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.jpeg_xl import CONTAINER, Header, read_header
from vectortag.runtime.pixels import open_image

ONE_TO_ONE = 1


def codestream(*numbers: tuple[int, int]) -> bytes:
    """A codestream that begins with these numbers, each a value and its bits, the lowest first."""
    bits = place = 0
    for value, count in numbers:
        bits |= value << place
        place += count
    return b"\xff\n" + bits.to_bytes(place // 8 + 40, "little")


def sides(width: int, height: int) -> list[tuple[int, int]]:
    """A SizeHeader in its longest form."""
    return [(0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30)]


ALL_DEFAULT, NOT_DEFAULT, NO_EXTRA_FIELDS, EIGHT_BITS = (1, 1), (0, 1), (0, 1), [(0, 1), (0, 2)]


@pytest.mark.parametrize("size", [(64, 64), (256, 128), (37, 501), (600, 400), (1600, 900), (1, 1), (3000, 11)])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("container", [False, True])
def test_the_header_is_that_of_the_library(need_module, size, channels, container):
    encode = need_module("imagecodecs").jpegxl_encode
    pixels = np.zeros((size[1], size[0], channels), np.uint8).squeeze(-1 if channels == 1 else ())

    header = read_header(io.BytesIO(encode(pixels, usecontainer=container, effort=1)))

    assert header == Header(*size, extra_channels=int(channels == 4))


@pytest.mark.parametrize("container", [False, True])
def test_a_photo_is_decoded(need_module, container):
    picture = smooth_picture(120, 80)
    content = need_module("imagecodecs").jpegxl_encode(np.asarray(picture), lossless=True, usecontainer=container)

    np.testing.assert_array_equal(np.asarray(open_image(content, max_pixels=10_000)), np.asarray(picture))


def test_sixteen_bits_grey_and_alpha_become_eight_bits_rgb(need_module):
    encode = need_module("imagecodecs").jpegxl_encode
    deep = encode(np.full((9, 7, 3), 0x8042, np.uint16), lossless=True)
    grey = encode(np.full((9, 7), 77, np.uint8), lossless=True)
    clear = encode(
        np.dstack([np.full((9, 7, 3), 10), np.zeros((9, 7, 1))[:, :, 0] + 128]).astype(np.uint8), lossless=True
    )

    assert set(np.asarray(open_image(deep, max_pixels=99)).ravel()) == {0x80}
    assert set(np.asarray(open_image(grey, max_pixels=99)).ravel()) == {77}
    assert set(np.asarray(open_image(clear, max_pixels=99)).ravel()) == {132}  # half of it is white


class TestHostile:
    @pytest.fixture(autouse=True)
    def library(self, need_module):
        return need_module("imagecodecs")

    def test_more_pixels_than_the_limit_are_refused_before_anything_is_decoded(self, library, monkeypatch):
        monkeypatch.setattr(library, "jpegxl_decode", lambda *_, **__: pytest.fail("was decoded"))

        with pytest.raises(PhotoError, match="100000 x 90000 pixels are more than the limit of 1,000,000"):
            open_image(codestream(*sides(100_000, 90_000), ALL_DEFAULT), max_pixels=1_000_000)

    def test_so_is_what_takes_too_much_memory(self, library, monkeypatch):
        monkeypatch.setattr(library, "jpegxl_decode", lambda *_, **__: pytest.fail("was decoded"))

        with pytest.raises(PhotoError, match=r"14000 x 14000 pixels \(JPEG XL, RGB\) take .* more than the limit"):
            open_image(codestream(*sides(14_000, 14_000), ALL_DEFAULT), max_pixels=200_000_000)

    def test_so_are_many_channels(self):
        many = codestream(*sides(10, 10), NOT_DEFAULT, NO_EXTRA_FIELDS, *EIGHT_BITS, (1, 1), (3, 2), (4095, 12))

        with pytest.raises(PhotoError, match="it has 4,096 channels beside colour, more than 4"):
            open_image(many, max_pixels=1000)

    @pytest.mark.parametrize("cut", [1, 3, 11, 40, -1, -20])
    @pytest.mark.parametrize("container", [False, True])
    def test_a_file_that_ends_early_is_an_error(self, library, cut, container):
        whole = library.jpegxl_encode(np.asarray(smooth_picture(64, 48)), usecontainer=container)

        with pytest.raises(PhotoError):
            open_image(whole[:cut], max_pixels=10_000)

    def test_a_header_without_a_picture_is_an_error(self):
        with pytest.raises(PhotoError, match="broken photo"):
            open_image(codestream(*sides(10, 10), ALL_DEFAULT), max_pixels=1000)

    @pytest.mark.parametrize(
        "boxes",
        [
            b"",
            b"\0\0\0\x08ftyp" * 5,
            b"\0\0\0\x00jxlc",
            b"\0\0\0\x04free",
            b"\0\0\0\x01free" + b"\xff" * 8,
            b"\0\0\0\x08free" * 2000,
        ],
        ids=["none", "no picture", "an empty one", "a box that ends before it starts", "a huge one", "too many"],
    )
    def test_a_container_without_a_codestream_is_an_error(self, boxes):
        with pytest.raises(PhotoError, match="a JPEG XL file without a picture"):
            open_image(CONTAINER + boxes, max_pixels=1000)


def test_the_fields_before_the_channels_are_passed_over():
    """An orientation, the intrinsic size, a preview, an animation and floating-point samples."""
    content = codestream(
        *sides(30, 20),
        NOT_DEFAULT,
        *[(1, 1), (5, 3)],  # turned by a quarter
        *[(1, 1), (1, 1), (3, 5), (ONE_TO_ONE, 3)],
        *[(1, 1), (1, 1), (2, 2), (7, 5), (ONE_TO_ONE, 3)],
        *[(1, 1), (2, 2), (9, 10), (3, 2), (9, 10), (1, 2), (5, 3), (0, 1)],
        *[(1, 1), (0, 2), (7, 4)],
        *[(0, 1), (2, 2), (1, 4)],
    )

    assert read_header(io.BytesIO(content)) == Header(20, 30, extra_channels=3)


def test_without_its_extra_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)

    with pytest.raises(PhotoError, match=r"a JPEG XL photo needs imagecodecs.* pip install 'vectortag\[jxl\]'"):
        open_image(codestream(*sides(10, 10), ALL_DEFAULT), max_pixels=1000)

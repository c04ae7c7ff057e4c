"""Camera RAW, made by code: a DNG with and without a preview, truncated and lying."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import dng, encode, tiff
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.raw import is_raw, with_orientation
from vectortag.runtime.pixels import PixelRecipe, load_pixels, open_image

RED = (250, 20, 30)
LIMIT = 10**7


def preview(width: int = 640, height: int = 480, **options) -> bytes:
    return encode(Image.new("RGB", (width, height), RED), "JPEG", quality=95, **options)


def mosaic() -> np.ndarray:
    """400 x 300, reddish, and dark in its upper left quarter."""
    values = np.zeros((300, 400), np.uint16)
    values[0::2, 0::2], values[0::2, 1::2], values[1::2, 0::2], values[1::2, 1::2] = 60_000, 20_000, 20_000, 5_000
    values[:150, :200] //= 8
    return values


MOSAIC = mosaic()


def darkest_corner(image: Image.Image) -> str:
    pixels = np.asarray(image.convert("L")).astype(int)
    corners = {"upper left": pixels[9, 9], "upper right": pixels[9, -9], "lower left": pixels[-9, 9],
               "lower right": pixels[-9, -9]}  # fmt: skip
    return min(corners, key=lambda corner: corners[corner])


@pytest.fixture
def rawpy(need_module):
    return need_module("rawpy")


@pytest.fixture
def undeveloped(rawpy, monkeypatch: pytest.MonkeyPatch) -> None:
    """LibRaw, which fails the test where it is to develop a sensor's data."""

    class Undeveloped(rawpy.RawPy):
        def postprocess(self, *_, **__):
            pytest.fail("was developed")

    monkeypatch.setattr(rawpy, "RawPy", Undeveloped)


class TestPreview:
    def test_it_is_the_picture(self, rawpy):
        image = open_image(dng(MOSAIC, preview()), max_pixels=LIMIT)

        assert image.size == (640, 480)
        np.testing.assert_allclose(np.asarray(image)[200, 300], RED, atol=3)

    @pytest.mark.usefixtures("undeveloped")
    def test_the_sensor_is_not_developed(self):
        assert open_image(dng(MOSAIC, preview()), max_pixels=LIMIT).size == (640, 480)

    def test_a_file_is_read_as_its_bytes_are(self, rawpy, tmp_path: Path):
        (tmp_path / "a.dng").write_bytes(dng(MOSAIC, preview()))

        from_file = load_pixels(tmp_path / "a.dng", 32, PixelRecipe())

        np.testing.assert_array_equal(from_file, load_pixels(dng(MOSAIC, preview()), 32, PixelRecipe()))

    @pytest.mark.parametrize(
        ("orientation", "size"), [(1, (640, 480)), (3, (640, 480)), (6, (480, 640)), (8, (480, 640))]
    )
    def test_it_is_turned_as_the_raw_photo_says(self, rawpy, orientation, size):
        picture = Image.new("RGB", (640, 480), "white")
        picture.paste("black", (0, 0, 320, 240))

        image = open_image(dng(MOSAIC, encode(picture, "JPEG"), orientation=orientation), max_pixels=LIMIT)

        corner = {1: "upper left", 3: "lower right", 6: "upper right", 8: "lower left"}[orientation]
        assert (image.size, darkest_corner(image)) == (size, corner)

    def test_one_that_was_turned_already_is_not_turned_again(self, rawpy):
        assert open_image(dng(MOSAIC, preview(480, 640), orientation=6), max_pixels=LIMIT).size == (480, 640)

    def test_its_own_orientation_counts_where_the_raw_photo_has_none(self, rawpy):
        exif = Image.Exif()
        exif[274] = 6

        written = preview(exif=exif)
        as_by_a_camera = written[:2] + written[20:]  # its EXIF block is the first

        assert open_image(dng(MOSAIC, as_by_a_camera), max_pixels=LIMIT).size == (480, 640)

    def test_one_of_the_camera_s_list_is_too_small(self, rawpy):
        assert open_image(dng(MOSAIC, preview(160, 120)), max_pixels=LIMIT).size == (200, 150)

    def test_it_is_refused_as_any_jpeg_of_its_size(self, rawpy):
        with pytest.raises(PhotoError, match="640 x 480 pixels are more than the limit of 250,000"):
            open_image(dng(MOSAIC, preview()), max_pixels=250_000)

    def test_half_of_one_is_an_error(self, rawpy):
        whole = preview()

        with pytest.raises(PhotoError, match="broken photo"):
            open_image(dng(MOSAIC, whole, preview_bytes=len(whole) // 2), max_pixels=LIMIT)


class TestDevelopment:
    @pytest.mark.parametrize(
        ("orientation", "size", "corner"),
        [
            (1, (200, 150), "upper left"),
            (3, (200, 150), "lower right"),
            (6, (150, 200), "upper right"),
            (8, (150, 200), "lower left"),
        ],
    )  # fmt: skip
    def test_without_a_preview_the_sensor_is_developed_upright_at_half_the_size(self, rawpy, orientation, size, corner):
        image = open_image(dng(MOSAIC, orientation=orientation), max_pixels=LIMIT)

        assert (image.size, darkest_corner(image)) == (size, corner)
        red, _, blue = np.asarray(image)[size[1] // 2 + 20, size[0] // 2 + 20]
        assert red > 2 * blue

    def test_it_is_the_picture_that_rawpy_makes(self, rawpy):
        with rawpy.imread(io.BytesIO(dng(MOSAIC))) as raw:
            expected = raw.postprocess(half_size=True, use_camera_wb=True)

        np.testing.assert_array_equal(np.asarray(open_image(dng(MOSAIC), max_pixels=LIMIT)), expected)


class TestHostile:
    @pytest.mark.usefixtures("undeveloped")
    def test_a_sensor_of_too_many_pixels_is_refused_before_it_is_developed(self):
        with pytest.raises(PhotoError, match="60000 x 60000 pixels are more than the limit"):
            open_image(dng(MOSAIC, size=(60_000, 60_000)), max_pixels=LIMIT)
        with pytest.raises(PhotoError, match=r"12000 x 12000 pixels \(RAW, RGB\) take .* MB of memory"):
            open_image(dng(MOSAIC, size=(12_000, 12_000)), max_pixels=200_000_000)

    def test_a_sensor_without_its_data_is_an_error(self, rawpy, capfd):
        with pytest.raises(PhotoError, match="broken photo, or of an unknown camera"):
            open_image(dng(MOSAIC, size=(2000, 1500)), max_pixels=LIMIT)

    @pytest.mark.parametrize("declared", [0, 10, 2_000_000_000, 2**32 - 1])
    def test_a_preview_whose_length_is_a_lie_is_passed_over(self, rawpy, declared):
        image = open_image(dng(MOSAIC, preview(), preview_bytes=declared), max_pixels=LIMIT)

        assert image.size == (200, 150)

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    def test_a_file_that_is_cut_anywhere_is_a_picture_or_an_error(self, rawpy, capfd):
        whole = dng(MOSAIC, preview())
        for cut in range(0, len(whole), len(whole) // 40):
            with contextlib.suppress(PhotoError):
                assert open_image(whole[:cut], max_pixels=LIMIT).size == (640, 480)

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    def test_a_file_with_changed_bytes_is_a_picture_or_an_error(self, rawpy, capfd):
        whole = dng(MOSAIC, preview())
        rng = np.random.default_rng(0)
        for _ in range(60):
            changed = bytearray(whole)
            for place in rng.integers(len(whole) - 900, len(whole), 3):  # its directories are at the end
                changed[place] = rng.integers(256)
            with contextlib.suppress(PhotoError):
                assert min(open_image(bytes(changed), max_pixels=LIMIT).size) > 0

    @pytest.mark.parametrize(
        "start", [b"FUJIFILMCCD-RAW ", b"IIRO", b"IIU\0", b"\0\0\0\x18ftypcrx ", b"FOVb", b"\0MRM"]
    )
    def test_a_start_alone_is_an_error(self, rawpy, start, capfd):
        with pytest.raises(PhotoError, match="broken photo, or of an unknown camera"):
            open_image(start + bytes(2000), max_pixels=LIMIT)


def test_a_tiff_of_a_sensor_is_raw_and_any_other_is_not():
    def is_one(content: bytes) -> bool:
        return is_raw(io.BytesIO(content), content[:16])

    assert is_one(dng(MOSAIC))
    assert is_one(b"II*\0\x10\0\0\0CR\x02\0" + bytes(20))
    assert not is_one(tiff(np.zeros((4, 4, 1), int), 8))
    assert not is_one(tiff(np.zeros((4, 4, 3), int), 16, order=">", photometric=2))
    assert not is_one(preview())


@pytest.mark.parametrize(
    "content",
    [
        b"II*\0",
        b"II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\x08\0\0\0\0\0\x08\0\0\0",  # the next directory is itself
        b"II*\0\x08\0\0\0\1\0\x4a\1\4\0\xff\xff\xff\xff\x08\0\0\0\0\0\0\0",  # four thousand million within it
    ],
    ids=["a start", "no directory", "more tags than there are", "a circle", "many directories"],
)
def test_broken_directories_are_read_to_their_end(content):
    assert not is_raw(io.BytesIO(content), content[:16])


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_new_orientation_stands_before_an_old_one(form):
    exif = Image.Exif()
    exif[274] = 3
    content = encode(Image.new("RGB", (40, 30)), form, exif=exif)

    assert open_image(with_orientation(content, 6), max_pixels=LIMIT).size == (30, 40)


def test_without_its_extra_the_error_says_how_to_install_it(monkeypatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    (tmp_path / "a.dng").write_bytes(dng(MOSAIC, preview()))

    with pytest.raises(PhotoError, match=r"a\.dng: a RAW photo needs rawpy.* pip install 'vectortag\[raw\]'"):
        open_image(tmp_path / "a.dng", max_pixels=LIMIT)

"""From a photo to pixels: every kind of file and picture, upright, within the limit; and what is refused."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pictures import STORED_AS, encode, four_colours, smooth_picture
from PIL import Image, ImageFile, features

from vectortag.core.errors import PhotoError
from vectortag.core.schema import SchemaError, from_plain
from vectortag.runtime.decoding.photo_kinds import FORMATS
from vectortag.runtime.pixels import FilterName, PixelRecipe, load_pixels, open_image

NeedModule = Callable[[str], ModuleType]
RECIPE = PixelRecipe()
RED, HALF_RED_ON_WHITE, WHITE = (255, 0, 0), (255, 127, 127), (255, 255, 255)


def colours(photo) -> list[tuple[int, ...]]:
    """The colours of a picture one pixel high, from left to right."""
    return [tuple(map(int, pixel)) for pixel in np.asarray(open_image(photo, max_pixels=1000))[0]]


def test_all_kinds_of_input_give_the_same_pixels(tmp_path):
    picture = smooth_picture(90, 60)
    path = tmp_path / "photo.png"
    picture.save(path)
    expected = load_pixels(picture, 24, RECIPE)

    for photo in (path, str(path), path.read_bytes(), np.asarray(picture), Image.open(path)):
        np.testing.assert_array_equal(load_pixels(photo, 24, RECIPE), expected)
    assert (expected.shape, expected.dtype) == ((24, 24, 3), np.uint8)


def test_a_photo_is_squashed_so_that_nothing_is_cut_off():
    wide = np.zeros((8, 80, 3), np.uint8)
    wide[:, :20], wide[:, 60:] = RED, WHITE

    pixels = load_pixels(wide, 8, RECIPE)

    np.testing.assert_array_equal(pixels[4, [0, 3, 7]], [RED, (0, 0, 0), WHITE])


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_shrinking_averages_over_all_pixels(name):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255

    pixels = load_pixels(stripes, 8, PixelRecipe(filter=name)).astype(int)

    assert np.abs(pixels[:, 1:-1] - 127).max() <= 4


def test_the_recipe_chooses_the_filter():
    picture = smooth_picture(90, 60)

    for name, resample in [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)]:
        expected = np.asarray(picture.resize((24, 24), resample))
        np.testing.assert_array_equal(load_pixels(picture, 24, PixelRecipe(filter=name)), expected)


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(500, 375), (90, 1200), (24, 24), (20, 30)])
def test_the_quicker_way_is_hardly_apart(need_module: NeedModule, name: FilterName, shape: tuple[int, int]):
    need_module("cykooz_resizer")
    picture, recipe = smooth_picture(*shape), PixelRecipe(filter=name)
    exact, quick = (load_pixels(picture, 24, recipe, exact=exact).astype(int) for exact in (True, False))

    assert quick.shape == (24, 24, 3)
    assert np.abs(quick - exact).max() <= 2
    assert np.abs(quick - exact).mean() < 0.2


def test_without_its_package_pillow_resizes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cykooz_resizer", None)
    picture = smooth_picture(90, 60)

    np.testing.assert_array_equal(load_pixels(picture, 24, RECIPE, exact=False), load_pixels(picture, 24, RECIPE))


@pytest.mark.parametrize("fields", [{"filter": "nearest"}, {"resize": "crop"}, {"max_pixels": 0}, {"mean": [0.5]}])
def test_a_recipe_that_nobody_can_follow_is_refused(fields):
    with pytest.raises((SchemaError, TypeError), match=next(iter(fields))):
        PixelRecipe(**fields)
    with pytest.raises(SchemaError, match=next(iter(fields))):
        from_plain(PixelRecipe, fields)


def test_a_large_jpeg_is_decoded_small_and_looks_the_same():
    photo = encode(smooth_picture(1600, 1200), "JPEG", quality=90)
    full = Image.open(io.BytesIO(photo)).resize((64, 64), Image.Resampling.BILINEAR)

    difference = np.abs(load_pixels(photo, 64, RECIPE).astype(float) - np.asarray(full, float))

    assert open_image(photo, max_pixels=2_000_000, draft=(128, 128)).size == (200, 150)
    assert difference.mean() < 1


@pytest.mark.parametrize("size", [16, 100, 300])
def test_a_jpeg_is_never_decoded_smaller_than_one_and_a_half_times_the_target(monkeypatch, size):
    decoded = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda image, *rest: decoded.append(image.size) or resize(image, *rest))

    load_pixels(encode(Image.new("RGB", (900, 640)), "JPEG"), size, RECIPE)

    assert min(decoded[0]) >= min(1.5 * size, 640)


@pytest.mark.parametrize("file_format", [*FORMATS, "MPO"])
def test_every_allowed_format_is_read(need, file_format):
    need(file_format != "AVIF" or features.check("avif"), "AVIF for Pillow")
    picture = smooth_picture(160, 120)

    pixels = np.asarray(open_image(encode(picture, file_format), max_pixels=20_000), float)

    assert np.abs(pixels - np.asarray(picture, float)).mean() < 12  # GIF has 256 colours


class TestHeic:
    @pytest.fixture
    def heic(self, need_module):
        """heic(picture, ...): the bytes of an HEIC file."""
        heif = need_module("pillow_heif")

        def encode(picture: Image.Image, *others: Image.Image, **options) -> bytes:
            file, pictures = io.BytesIO(), heif.from_pillow(picture)
            for other in others:
                pictures.add_from_pillow(other)
            pictures.save(file, quality=90, **options)
            return file.getvalue()

        return encode

    def test_an_heic_photo_is_read(self, heic, tmp_path):
        picture = smooth_picture(160, 120)
        (tmp_path / "IMG_1.HEIC").write_bytes(heic(picture))

        pixels = load_pixels(tmp_path / "IMG_1.HEIC", 64, RECIPE).astype(float)

        assert np.abs(pixels - load_pixels(picture, 64, RECIPE)).mean() < 6

    @pytest.mark.parametrize("orientation", STORED_AS)
    def test_it_comes_upright(self, heic, orientation):
        exif = Image.Exif()
        exif[274] = orientation
        stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](four_colours())))

        pixels = np.asarray(open_image(heic(stored, exif=exif.tobytes()), max_pixels=10_000), float)

        assert np.abs(pixels - four_colours()).mean() < 12

    def test_of_several_pictures_the_photo_itself_is_taken(self, heic):
        first, photo = Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), (0, 0, 255))

        pixels = load_pixels(heic(first, photo, primary_index=1), 8, RECIPE).astype(int)

        assert np.abs(pixels - (0, 0, 255)).max() <= 6

    def test_too_many_pixels_are_refused_before_they_are_decoded(self, heic):
        with pytest.raises(PhotoError, match="64 x 64 pixels are more than the limit of 4,000"):
            open_image(heic(Image.new("RGB", (64, 64), RED)), max_pixels=4_000)

    def test_a_broken_one_is_told(self, heic):
        whole = heic(smooth_picture(160, 120))

        with pytest.raises(PhotoError, match="photo: broken photo"):
            load_pixels(whole[: len(whole) // 2], 64, RECIPE)

    def test_without_its_extra_the_error_says_how_to_install_it(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")

        with pytest.raises(PhotoError, match=r"IMG_1\.HEIC: an HEIC photo needs .* pip install 'vectortag\[heic\]'"):
            load_pixels(tmp_path / "IMG_1.HEIC", 64, RECIPE)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "MPO", "TIFF"])
def test_of_several_frames_the_first_is_taken(file_format):
    first, second = Image.new("RGB", (40, 30), RED), Image.new("RGB", (40, 30), (0, 0, 255))
    photo = encode(first, file_format, save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(photo)).n_frames == 2

    pixels = load_pixels(photo, 8, RECIPE).astype(int)

    assert np.abs(pixels - RED).max() <= 4


def transparent_palette() -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((1, 0), 1)
    return image


def pixels_of(mode: str, *values) -> Image.Image:
    """A picture one pixel high."""
    image = Image.new(mode, (len(values), 1))
    for place, value in enumerate(values):
        image.putpixel((place, 0), value)
    return image


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        pytest.param(encode(transparent_palette(), "PNG", transparency=0), [WHITE, RED], id="one clear colour"),
        pytest.param(
            encode(transparent_palette(), "PNG", transparency=b"\x00\x80"),
            [WHITE, HALF_RED_ON_WHITE],
            id="a palette with alpha",
        ),
        pytest.param(encode(transparent_palette(), "GIF", transparency=0), [WHITE, RED], id="GIF"),
        pytest.param(
            encode(pixels_of("RGBA", (0, 0, 0, 0), (*RED, 255), (*RED, 128)), "PNG"),
            [WHITE, RED, HALF_RED_ON_WHITE],
            id="RGBA",
        ),
        pytest.param(
            encode(pixels_of("LA", (0, 0), (90, 255)), "PNG"), [WHITE, (90, 90, 90)], id="grey with alpha"
        ),
        pytest.param(
            encode(pixels_of("RGB", (1, 2, 3), RED), "PNG", transparency=(1, 2, 3)), [WHITE, RED], id="RGB with a key"
        ),
    ],
)  # fmt: skip
def test_what_is_transparent_becomes_white(photo, expected):
    assert colours(photo) == expected


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_sixteen_bits_are_scaled_to_eight_and_not_clipped(mode):
    picture = pixels_of(mode, 0, 300, 25_856, 65_535)

    assert [red for red, _, _ in colours(picture)] == [0, 1, 101, 255]


@pytest.mark.parametrize(("mode", "file_format"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I", "TIFF")])
def test_a_file_of_sixteen_bits_is_read(mode, file_format):
    photo = encode(pixels_of(mode, 0, 25_700, 65_535), file_format)

    assert colours(photo) == [(0, 0, 0), (100, 100, 100), WHITE]


def test_numbers_beyond_sixteen_bits_end_in_black_and_white():
    assert colours(pixels_of("I", -5, 1_000_000)) == [(0, 0, 0), WHITE]


def test_one_bit_becomes_black_and_white():
    assert colours(encode(pixels_of("1", 0, 1), "PNG")) == [(0, 0, 0), WHITE]


def test_grey_becomes_grey():
    assert colours(encode(pixels_of("L", 0, 77), "PNG")) == [(0, 0, 0), (77, 77, 77)]


def test_a_cmyk_jpeg_keeps_its_colours():
    colour = (200, 40, 90)
    photo = encode(Image.new("RGB", (16, 16), colour).convert("CMYK"), "JPEG", quality=95)
    assert Image.open(io.BytesIO(photo)).mode == "CMYK"

    assert np.abs(load_pixels(photo, 8, RECIPE).astype(int) - colour).max() <= 3


def test_floating_point_pixels_are_refused():
    photo = encode(Image.new("F", (4, 4), 0.5), "TIFF")

    with pytest.raises(PhotoError, match=r"photo: floating-point pixels .* save the picture with 8 or 16 bits"):
        load_pixels(photo, 8, RECIPE)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_an_array_that_is_not_rgb_is_refused_with_its_shape(array):
    with pytest.raises(PhotoError, match=r"expected an \(H, W, 3\) uint8 array in RGB, got \(4, 4"):
        load_pixels(array, 8, RECIPE)


@pytest.mark.parametrize("photo", [np.zeros((0, 5, 3), np.uint8), Image.new("RGB", (5, 0))], ids=["array", "Pillow"])
def test_a_picture_without_pixels_is_refused(photo):
    with pytest.raises(PhotoError, match=r"^photo: 5 x 0 pixels are no picture$"):
        load_pixels(photo, 8, RECIPE)


def huge_png() -> bytes:
    small = encode(Image.new("1", (8, 8)), "PNG")
    header = b"IHDR" + struct.pack(">II", 100_000, 100_000) + small[24:29]
    return small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]


def huge_jpeg() -> bytes:
    small = encode(Image.new("RGB", (8, 8)), "JPEG")
    start_of_frame = small.index(b"\xff\xc0") + 5
    return small[:start_of_frame] + struct.pack(">HH", 50_000, 60_000) + small[start_of_frame + 4 :]


def huge_bmp() -> bytes:
    small = encode(Image.new("RGB", (8, 8)), "BMP")
    return small[:18] + struct.pack("<ii", 60_000, 50_000) + small[26:]


def huge_gif() -> bytes:
    small = encode(Image.new("L", (8, 8)), "GIF")
    return small[:6] + struct.pack("<HH", 60_000, 50_000) + small[10:]


@pytest.mark.parametrize("photo", [huge_png(), huge_jpeg(), huge_bmp(), huge_gif()], ids=["PNG", "JPEG", "BMP", "GIF"])
def test_too_many_pixels_are_refused_before_decoding(monkeypatch, tmp_path, photo):
    path = tmp_path / "bomb.jpg"
    path.write_bytes(photo)
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.size))

    with pytest.raises(PhotoError, match=r"bomb\.jpg: \d+ x \d+ pixels are more than the limit of 200,000,000"):
        load_pixels(path, 8, RECIPE)

    assert decoded == []


def test_a_photo_of_exactly_the_limit_is_read():
    photo = encode(Image.new("L", (20, 10)), "PNG")

    assert open_image(photo, max_pixels=200).size == (20, 10)
    with pytest.raises(PhotoError, match="20 x 10 pixels are more than the limit of 199"):
        open_image(photo, max_pixels=199)


@pytest.mark.parametrize("limit", [150, 50], ids=["where Pillow warns", "where Pillow refuses"])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "MPO"])
def test_the_recipe_limits_the_pixels_and_not_pillow(monkeypatch, file_format, limit):
    photo = encode(Image.new("RGB", (20, 10), WHITE), file_format)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)

    assert load_pixels(photo, 4, RECIPE).min() == 255
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("file_format", ["PPM", "ICO", "TGA", "PCX"])
def test_other_formats_are_refused_whatever_the_file_is_called(tmp_path, file_format):
    path = tmp_path / "photo.jpg"
    photo = encode(Image.new("RGB", (16, 16)), file_format)
    path.write_bytes(photo)
    assert Image.open(io.BytesIO(photo)).format == file_format

    with pytest.raises(
        PhotoError, match=rf"photo\.jpg: not a photo in a known format \({', '.join(FORMATS)}, HEIC, JPEG XL,"
    ):
        load_pixels(path, 8, RECIPE)


def truncated(file_format: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    photo = encode(Image.fromarray(noise), file_format)
    return photo[: len(photo) // 2]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(truncated("JPEG"), "broken photo: image file is truncated", id="half a JPEG"),
        pytest.param(truncated("PNG"), "broken photo: ", id="half a PNG"),
        pytest.param(truncated("WEBP"), "broken photo: ", id="half a WebP"),
        pytest.param(b"\xff\xd8\xff\xe0", "not a photo in a known format", id="only a start"),
        pytest.param(b"", "not a photo in a known format", id="empty"),
        pytest.param(b"Dear diary,", "not a photo in a known format", id="text"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, problem):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)

    with pytest.raises(PhotoError) as refusal:
        load_pixels(path, 8, RECIPE)

    assert str(refusal.value).startswith(f"{path}: {problem}")


@pytest.mark.parametrize("content", [truncated("JPEG"), b"Dear diary,"], ids=["half a JPEG", "text"])
def test_broken_bytes_are_called_photo(content):
    with pytest.raises(PhotoError, match=r"^photo: "):
        load_pixels(content, 8, RECIPE)


def test_a_pillow_image_that_breaks_while_it_is_read_is_a_photo_error():
    with pytest.raises(PhotoError, match=r"^photo: broken photo: image file is truncated"):
        load_pixels(Image.open(io.BytesIO(truncated("JPEG"))), 8, RECIPE)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is a directory, not a photo"),
        ("missing.jpg", "cannot be read: No such file or directory"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("nul\0.jpg", "broken photo: embedded null byte"),
    ],
    ids=["a directory", "missing", "too long a name", "an impossible name"],
)
def test_a_path_that_leads_to_no_file_is_named(tmp_path, name, problem):
    path = Path(tmp_path, name)

    with pytest.raises(PhotoError) as refusal:
        load_pixels(path, 8, RECIPE)

    assert str(refusal.value) == f"{path}: {problem}"

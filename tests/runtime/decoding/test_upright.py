"""A photo is decoded as it should be looked at, whatever its file says of its orientation."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pictures import STORED_AS, encode, four_colours
from PIL import Image

from vectortag.runtime.pixels import open_image

LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("file_format", [*LOSSLESS, "JPEG"])
def test_a_photo_comes_upright_whatever_its_exif_orientation(file_format, orientation):
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](four_colours())))
    exif = Image.Exif()
    exif[274] = orientation
    photo = encode(stored, file_format, exif=exif, **LOSSLESS.get(file_format, {"quality": 95, "subsampling": 0}))

    upright = np.asarray(open_image(photo, max_pixels=10_000), np.float32)

    assert upright.shape == (32, 64, 3)
    assert np.abs(upright - four_colours()).max() <= (0 if file_format in LOSSLESS else 8)


def test_a_pillow_image_comes_upright_and_stays_as_it_was():
    exif = Image.Exif()
    exif[274] = 6
    image = Image.open(io.BytesIO(encode(Image.fromarray(np.rot90(four_colours()).copy()), "PNG", exif=exif)))

    upright = open_image(image, max_pixels=10_000)

    np.testing.assert_array_equal(np.asarray(upright), four_colours())
    assert (image.size, image.getexif()[274]) == ((32, 64), 6)


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_the_standard_does_not_know_turns_nothing(orientation):
    exif = Image.Exif()
    exif[274] = orientation

    upright = open_image(encode(Image.fromarray(four_colours()), "PNG", exif=exif), max_pixels=10_000)

    np.testing.assert_array_equal(np.asarray(upright), four_colours())

"""Any mode to 8-bit RGB, the same in one piece as in bands of rows."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding import colours
from vectortag.runtime.decoding.colours import to_rgb

RAMP = np.linspace(0, 65535, 64 * 48).reshape(48, 64)


def test_sixteen_bits_are_scaled_and_not_clipped():
    found = np.asarray(to_rgb(Image.fromarray(RAMP.astype(np.uint16))))

    np.testing.assert_array_equal(found[..., 0], (RAMP.astype(np.uint16) // 256).astype(np.uint8))
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_white_and_an_alpha_that_was_never_filled_in_is_ignored(mode: str):
    grey = Image.new("L", (8, 8), 100)
    half, none = Image.new("L", (8, 8), 255), Image.new("L", (8, 8), 0)
    half.paste(0, (0, 0, 4, 8))
    bands = [grey] * (len(mode) - 1)

    shown = np.asarray(to_rgb(Image.merge(mode, [*bands, half])))
    unused = np.asarray(to_rgb(Image.merge(mode, [*bands, none])))

    assert (shown[0, 0].tolist(), shown[0, 7].tolist()) == ([255] * 3, [100] * 3)
    assert (unused == 100).all()


@pytest.mark.parametrize("mode", ["I;16", "RGBA"])
def test_bands_make_the_same_picture(mode: str, monkeypatch: pytest.MonkeyPatch):
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 4), np.uint8)
    image = Image.fromarray(RAMP.astype(np.uint16)) if mode == "I;16" else Image.fromarray(pixels)
    whole = np.asarray(to_rgb(image))

    monkeypatch.setattr(colours, "BAND", 64 * 5)

    np.testing.assert_array_equal(np.asarray(to_rgb(image)), whole)


@pytest.mark.parametrize(
    ("image", "problem"), [(Image.new("F", (4, 4)), "floating-point"), (Image.new("RGB", (0, 4)), "0 x 4")]
)
def test_what_has_no_known_range_or_no_pixels_is_refused(image: Image.Image, problem: str):
    with pytest.raises(PhotoError, match=problem):
        to_rgb(image)


def test_grey_that_was_multiplied_by_its_alpha_is_grey_over_white():
    layered = Image.merge("LA", [Image.new("L", (8, 8), 100), Image.new("L", (8, 8), 128)])

    np.testing.assert_allclose(to_rgb(layered.convert("La")), to_rgb(layered), atol=1)

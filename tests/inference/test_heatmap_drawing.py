"""Drawing: the photo's size, its colours where the map is not laid on, warm where the tag was seen."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vectortag.core.types import Heatmap
from vectortag.inference.heatmap_drawing import INFERNO, colourise, draw_heatmap, heat_layer

CORNER = np.float32([[0, 0, 0], [0, 0, 1]])


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_the_drawing_is_an_rgb_image_of_the_photos_size(mode):
    drawing = draw_heatmap(noise(70, 40, mode), CORNER)

    assert (drawing.mode, drawing.size) == ("RGB", (70, 40))
    assert np.asarray(drawing).dtype == np.uint8


def test_without_opacity_the_photo_is_unchanged():
    photo = noise(70, 40)

    np.testing.assert_array_equal(np.asarray(draw_heatmap(photo, CORNER, opacity=0)), np.asarray(photo))


def test_the_photo_itself_is_not_drawn_on():
    photo = noise(70, 40)

    draw_heatmap(photo, CORNER)

    np.testing.assert_array_equal(np.asarray(photo), np.asarray(noise(70, 40)))


def test_the_hottest_place_becomes_the_warmest():
    drawing = np.asarray(draw_heatmap(Image.new("RGB", (60, 40)), CORNER), int)
    warmth = drawing[..., 0] + drawing[..., 1]  # (H, W): inferno runs from black over red to yellow

    assert warmth[-1, -1] == warmth.max()
    assert warmth[-1, -1] > 2 * warmth[20, 30] > 4 * warmth[0, 0]


def test_at_full_opacity_the_hottest_place_has_the_last_colour_of_the_map():
    drawing = draw_heatmap(noise(60, 40), CORNER, opacity=1)

    assert drawing.getpixel((59, 39)) == tuple(INFERNO[-1])


def test_the_map_is_enlarged_without_steps():
    drawing = np.asarray(draw_heatmap(Image.new("RGB", (80, 80)), np.float32([[0, 1]]), opacity=1), int)[0]

    assert np.abs(np.diff(drawing, axis=0)).max() < 40


def test_a_heatmap_is_drawn_as_its_values_are():
    photo = noise(30, 20)

    drawing = draw_heatmap(photo, Heatmap(CORNER, tag="sea", source="sea", score=0.5))

    np.testing.assert_array_equal(np.asarray(drawing), np.asarray(draw_heatmap(photo, CORNER)))


def test_colours_grow_lighter_from_cold_to_hot():
    colours = colourise(np.linspace(0, 1, 50, dtype=np.float32)[None])
    lightness = colours[0] @ (0.2126, 0.7152, 0.0722)

    assert (np.diff(lightness) > 0).all()
    np.testing.assert_array_equal(colours[0, [0, -1]], INFERNO[[0, -1]])


def test_a_layer_over_the_photo_is_the_drawing():
    photo = noise(60, 40)

    layer = heat_layer(CORNER, photo.size)

    laid = Image.alpha_composite(photo.convert("RGBA"), layer).convert("RGB")
    drawn = np.asarray(draw_heatmap(photo, CORNER, opacity=1), int)
    np.testing.assert_allclose(np.asarray(laid, int), drawn, atol=2)

"""Draws heat maps over photos. The Grad-CAM formula is in model/head.py."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vectortag.core.types import FloatArray, Heatmap
from vectortag.data.outputs import SOFTWARE

# Control points of the colour map "inferno" of matplotlib (CC0), at 0, 1/8, ... 1. It grows evenly in lightness, so
# it reads the same for colour-blind people and in grey.
INFERNO = np.array(
    [
        [0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85],
        [227, 89, 51], [249, 140, 10], [249, 201, 50], [252, 255, 164],
    ],
    np.float32,
)  # fmt: skip


def draw_heatmap(image: Image.Image, heatmap: Heatmap | FloatArray, *, opacity: float = 0.55) -> Image.Image:
    """Draw a heat map over the upright photo, as an RGB image of the photo's size.

    Args:
        image: the photo.
        heatmap: (h, w) in [0, 1]; it is enlarged bilinearly to the photo.
        opacity: in [0, 1]; opacity of the map at its maximum.
    """
    colour, opaque = _layer(heatmap, image.size)
    photo = np.asarray(image.convert("RGB"), np.float32)  # (H, W, 3)
    blend = opacity * opaque
    mixed = photo * (1 - blend) + colour * blend
    return Image.fromarray(mixed.round().astype(np.uint8))


def to_png(image: Image.Image, *, compress_level: int = 6) -> bytes:
    """The content of a PNG file with VectorTag's mark, by which a later command knows that it may replace the file."""
    from PIL import PngImagePlugin  # here, since tagging writes no picture

    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    content = io.BytesIO()
    image.save(content, "PNG", pnginfo=about, compress_level=compress_level)
    return content.getvalue()


def heat_layer(heatmap: Heatmap | FloatArray, size: tuple[int, int]) -> Image.Image:
    """The layer that `draw_heatmap` draws over a photo: an RGBA image of (width, height) pixels, for opacity 1."""
    colour, opaque = _layer(heatmap, size)
    return Image.fromarray(np.concatenate([colour, 255 * opaque], axis=-1).round().astype(np.uint8))


def _layer(heatmap: Heatmap | FloatArray, size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Colours (H, W, 3) in [0, 255] and how opaque they are, (H, W, 1) in [0, 1]; `size` is (width, height)."""
    grey = Image.fromarray(np.asarray(heatmap, np.float32)).resize(size, Image.Resampling.BILINEAR)
    strength = np.asarray(grey).clip(0, 1)  # (H, W)
    opaque = 0.35 + 0.65 * strength  # cells of 0 stay tinted, so that the map's edge is visible
    return colourise(strength), opaque[..., None].astype(np.float32)


def colourise(values: FloatArray) -> FloatArray:
    """(H, W) in [0, 1] -> (H, W, 3) in [0, 255], by the colour map "inferno"."""
    stops = np.linspace(0, 1, len(INFERNO))
    return np.stack([np.interp(values, stops, INFERNO[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)


def sharpness(heatmap: Heatmap | FloatArray) -> float:
    """How far a heat map is concentrated in few cells: 1 - H / ln(n).

    H = -sum(p * ln(p)) is the entropy of the map's n cells, p being each cell's share of their sum, and H / ln(n) is
    Pielou's evenness (1966, 10.1016/0022-5193(66)90013-0). On grids of different sizes it is comparable only roughly.

    Args:
        heatmap: (h, w), not negative.

    Returns:
        In [0, 1]: 1 if all is in one cell, 0 if it is spread evenly or the map is empty. If k of the n cells are equal
        and the others 0, 1 - ln(k) / ln(n).

    >>> sharpness(np.float32([[0, 0], [1, 0]])), sharpness(np.float32([[1, 0], [1, 0]]))
    (1.0, 0.5)
    """
    values = np.asarray(heatmap, np.float64)
    total = values.sum()
    if total == 0 or values.size == 1:
        return 0.0
    shares = values[values > 0] / total
    return float(1 + (shares * np.log(shares)).sum() / np.log(values.size))

"""What the page hands out: tags as the command line writes them, and heat maps as pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence

from PIL import Image

from vectortag.apps.formats import CsvWriter, JsonLinesWriter
from vectortag.apps.ui.session_photos import MOST_PIXELS
from vectortag.apps.ui.tag_list import RankedTag
from vectortag.core.types import Heatmap, Tagging, TagScore
from vectortag.inference.heatmap import draw_heatmap, heat_layer
from vectortag.inference.image_grid import fit
from vectortag.runtime.pixels import Photo, open_image

LAYER_SIDE = 96
"""Pixels of a heat map for the screen, where the browser stretches it over the photo."""

PNG_SIDE = 1600
"""Pixels of a downloaded heat map's longer side, where the photo has so many."""


def tags_as_text(
    tagged: Iterable[tuple[Tagging, Sequence[RankedTag]]], form: type[JsonLinesWriter] | type[CsvWriter]
) -> str:
    """The found tags of some photos, as `vectortag tag --format jsonl` or `csv` writes them."""
    text = io.StringIO()
    writer = form(text)
    for tagging, rows in tagged:
        writer.tagged(tagging, [TagScore(row.tag, row.score, row.threshold) for row in rows if row.found])
    return text.getvalue()


def heatmap_png(photo: Photo, heatmap: Heatmap, *, opacity: float) -> bytes:
    """A heat map over its photo, as a PNG file.

    Raises:
        PhotoError: the photo cannot be read.
    """
    image = open_image(photo, max_pixels=MOST_PIXELS, draft=(PNG_SIDE, PNG_SIDE))
    return _png(draw_heatmap(fit(image, min(PNG_SIDE, max(image.size))), heatmap, opacity=opacity))


def layer_address(heatmap: Heatmap) -> str:
    """A heat map without its photo, as a data address; the page lays it over the photo, `opacity` strong."""
    return "data:image/png;base64," + base64.b64encode(_png(heat_layer(heatmap, (LAYER_SIDE, LAYER_SIDE)))).decode()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()

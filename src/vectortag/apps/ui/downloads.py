"""Downloads: tags in the formats of the command line, and heat maps as pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence

from PIL import Image

from vectortag.apps.formats import ENGLISH, CsvWriter, JsonLinesWriter
from vectortag.apps.ui.session_photos import MOST_PIXELS
from vectortag.apps.ui.tag_list import RankedTag
from vectortag.core.types import Heatmap, Tagging, TagScore
from vectortag.inference.heatmap_drawing import draw_heatmap, heat_layer, to_png
from vectortag.inference.image_grid import fit
from vectortag.model.language import Language
from vectortag.runtime.pixels import Photo, open_image

LAYER_SIDE = 96
"""Side in pixels of a heat map for the screen; the browser stretches it over the photo."""

PNG_SIDE = 1600
"""Longer side in pixels of a downloaded heat map; a smaller photo keeps its size."""


def tags_as_text(
    tagged: Iterable[tuple[Tagging, Sequence[RankedTag]]],
    writer_type: type[JsonLinesWriter] | type[CsvWriter],
    language: Language = ENGLISH,
) -> str:
    """The found tags of photos, as `vectortag tag --format jsonl` or `csv` writes them."""
    text = io.StringIO()
    writer = writer_type(text, language)
    for tagging, rows in tagged:
        writer.tagged(tagging, [TagScore(row.tag, row.score, row.threshold) for row in rows if row.found])
    return text.getvalue()


def heatmap_png(photo: Photo, heatmap: Heatmap, *, opacity: float) -> bytes:
    """The heat map over its photo, as a PNG file.

    Raises:
        PhotoError: the photo cannot be read.
    """
    image = open_image(photo, max_pixels=MOST_PIXELS, draft=(PNG_SIDE, PNG_SIDE))
    return _png(draw_heatmap(fit(image, min(PNG_SIDE, max(image.size))), heatmap, opacity=opacity))


def layer_url(heatmap: Heatmap) -> str:
    """The heat map alone, as a data URL; the page lays it over the photo with an opacity."""
    return "data:image/png;base64," + base64.b64encode(_png(heat_layer(heatmap, (LAYER_SIDE, LAYER_SIDE)))).decode()


def _png(image: Image.Image) -> bytes:
    return to_png(image, compress_level=3)

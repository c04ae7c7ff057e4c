"""The HTML page of `find --html` and `search --html`: found photos, with their pictures and heat maps in one file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.core.types import FloatArray, PackedPhoto
from vectortag.inference.heatmap_drawing import heat_layer
from vectortag.inference.search import Found
from vectortag.runtime.decoding.memory import DEFAULT_PIXELS
from vectortag.runtime.pixels import name_of, open_image

EDGE = 320
"""Pixels of a small picture's longer side."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The page loads nothing and runs nothing, whatever is in it."""

STYLE = """
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
h1 { font-size: 1.25rem; font-weight: 600; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
.pictures { position: relative; }
.heat { position: absolute; inset: 0; opacity: 0; background: none; }
.pictures:hover .heat, .pictures:focus .heat { opacity: .6; }
img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: #8881; border-radius: 4px; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo of a page.

    Attributes:
        path: of it, or where it is in a larger file.
        caption: below its picture.
        heatmap: (h, w) in [0, 1], shown over the picture while the mouse is on it; None: there is none.
    """

    path: Path | PackedPhoto
    caption: str
    heatmap: FloatArray | None = None


def write_found_page(
    stream: TextIO, sentence: str, found: Sequence[Found[Path]], *, max_pixels: int = DEFAULT_PIXELS
) -> None:
    """Write the page of `find`; a photo that no longer exists is shown by its error."""
    shown = (ShownPhoto(one.photo, f"{one.similarity:.3f} {escape_path(one.photo)}") for one in found)
    write_page(stream, sentence, shown, max_pixels=max_pixels)


def write_page(stream: TextIO, title: str, shown: Iterable[ShownPhoto], *, max_pixels: int = DEFAULT_PIXELS) -> None:
    """Write a page of photos; one that cannot be read is shown by its error."""
    head = html.escape(printable(title))
    stream.write(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{head}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        f"<h1>{head}</h1>\n<main>\n"
    )
    for one in shown:
        caption = html.escape(printable(one.caption))
        stream.write(f"<figure>{_pictures(one, max_pixels)}<figcaption>{caption}</figcaption></figure>\n")
    stream.write("</main>\n</html>\n")


def _pictures(shown: ShownPhoto, max_pixels: int) -> str:
    name = html.escape(printable(escape_path(name_of(shown.path) or "")))
    try:
        image = open_image(shown.path, max_pixels=max_pixels, draft=(EDGE, EDGE))
    except PhotoError as error:
        return f"<p>{html.escape(printable(str(error)))}</p>"
    image.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    picture = f'<img alt="{name}" src="{_data(image, "JPEG")}" loading="lazy">'
    if shown.heatmap is None:
        return picture
    heat = (
        f'<img class="heat" alt="heat map" src="{_data(heat_layer(shown.heatmap, image.size), "WEBP")}" loading="lazy">'
    )
    return f'<div class="pictures" tabindex="0">{picture}{heat}</div>'


def _data(image: Image.Image, form: str) -> str:
    content = io.BytesIO()
    image.save(content, form, quality=80)
    return f"data:image/{form.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"

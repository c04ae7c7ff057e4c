"""The HTML page of `find --html`: the photos that were found, with their pictures in the same file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.inference.search import Found
from vectortag.runtime.decoding.memory import DEFAULT_PIXELS
from vectortag.runtime.pixels import open_image

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
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #8881; border-radius: 4px; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
"""


def write_found_page(
    stream: TextIO, sentence: str, found: Sequence[Found[Path]], *, max_pixels: int = DEFAULT_PIXELS
) -> None:
    """Write the page; a photo that no longer exists is shown by its error."""
    title = html.escape(printable(sentence))
    stream.write(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n<main>\n"
    )
    for one in found:
        name = html.escape(printable(escape_path(one.photo)))
        try:
            picture = f'<img alt="{name}" src="{_small(one, max_pixels)}" loading="lazy">'
        except PhotoError as error:
            picture = f"<p>{html.escape(printable(str(error)))}</p>"
        stream.write(f"<figure>{picture}<figcaption>{one.similarity:.3f} {name}</figcaption></figure>\n")
    stream.write("</main>\n</html>\n")


def _small(found: Found[Path], max_pixels: int) -> str:
    image = open_image(found.photo, max_pixels=max_pixels, draft=(EDGE, EDGE))
    image.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"

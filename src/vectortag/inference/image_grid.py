"""Draws the image grid of reports and comparisons: pictures side by side, with a line of text above each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from vectortag.core.types import Heatmap
from vectortag.inference.heatmap_drawing import draw_heatmap

SIDE = 480
"""Pixels of a picture's longer side."""

TEXT, GAP = 17, 12
"""Pixels: the height of the letters, and what is left free around everything."""

PAPER, INK, PALE_INK = "white", "#1a1a1a", "#6b6b6b"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture, with a title at the left above it and a note, such as a score, at the right."""

    picture: Image.Image
    title: str = ""
    note: str = ""


def fit(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Return the image in RGB, enlarged or shrunk so that its longer side has `side` pixels."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def draw_sheet(rows: Sequence[Sequence[Cell]]) -> Image.Image:
    """Draw the cells as a grid: each column is as wide as its widest picture, each row as high as its highest.

    Args:
        rows: not empty; a row may be shorter than the others.
    """
    columns = max(len(row) for row in rows)
    widths = [max(row[n].picture.width for row in rows if n < len(row)) for n in range(columns)]
    heights = [max(cell.picture.height for cell in row) + TEXT + GAP for row in rows]
    sheet = Image.new("RGB", (sum(widths) + GAP * (columns + 1), sum(heights) + GAP * (len(rows) + 1)), PAPER)
    draw = ImageDraw.Draw(sheet)
    y = GAP
    for row, height in zip(rows, heights, strict=True):
        x = GAP
        for cell, width in zip(row, widths, strict=False):
            _write(draw, cell, x, y, width)
            sheet.paste(cell.picture, (x, y + TEXT + GAP))
            x += width + GAP
        y += height + GAP
    return sheet


def _write(draw: ImageDraw.ImageDraw, cell: Cell, x: int, y: int, column: int) -> None:
    """Write the title at the left and the note at the right of the picture; if they need more width, of the column.

    The note is cut to the width that the title leaves, but at least half of the width. Then the title is cut, too.
    """
    font = ImageFont.load_default(TEXT)
    title, note = (math.ceil(font.getlength(text)) for text in (cell.title, cell.note))
    width = min(column, max(cell.picture.width, title + GAP + note))
    short = shorten(cell.note, max(width // 2, width - GAP - title), font)
    left = width - (GAP + math.ceil(font.getlength(short)) if short else 0)
    draw.text((x, y), shorten(cell.title, left, font), INK, font)
    draw.text((x + width, y), short, PALE_INK, font, anchor="ra")


def shorten(text: str, width: int, font: Font) -> str:
    """Cut a text to a width in pixels; a cut text ends in dots."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""


def draw_comparison(
    photo: Image.Image, rows: Sequence[Sequence[tuple[str, Heatmap]]], *, opacity: float = 0.55
) -> Image.Image:
    """Draw a row for each tag: the photo, then each model's heat map over it, under the model's name and score.

    Args:
        photo: upright.
        rows: for each tag, (name of the model, its heat map) of each model; not empty.
        opacity: as in `vectortag.inference.heatmap_drawing.draw_heatmap`.
    """
    small = fit(photo)
    return draw_sheet(
        [
            [
                Cell(small, row[0][1].tag),
                *(
                    Cell(draw_heatmap(small, heatmap, opacity=opacity), name, score_note(heatmap))
                    for name, heatmap in row
                ),
            ]
            for row in rows
        ]
    )


def score_note(heatmap: Heatmap) -> str:
    """The score of a heat map as text, with the child that it comes from, or "empty"."""
    if heatmap.is_empty:
        return f"{heatmap.score:.2f}, empty"
    return f"{heatmap.score:.2f}" + (f", seen as {heatmap.source}" if heatmap.source != heatmap.tag else "")

"""vectortag explain"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from vectortag.apps.cli import options
from vectortag.apps.cli.output import appearing, notes, stdout
from vectortag.errors import VectorTagError
from vectortag.heatmap import draw_heatmap
from vectortag.preprocess import open_image
from vectortag.tagger import Tagger


def explain(
    photo: Annotated[Path, typer.Argument(help="One photo.", show_default=False)],
    tags: Annotated[
        list[str] | None, typer.Option("--tag", "-t", help="A tag to explain; may be repeated. Default: all found.")
    ] = None,
    model: options.Model = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A PNG file for one tag, a folder for several.")
    ] = None,
    opacity: Annotated[float, typer.Option(min=0, max=1, help="How strongly the map covers the photo.")] = 0.55,
    profile: options.Profile = options.ProfileName.balanced,
    runtime: options.Runtime = options.RuntimeName.auto,
    precision: options.Precision = options.PrecisionName.auto,
    additions: options.Additions = True,
) -> int:
    """Show where in a photo the model sees a tag: a heat map over the photo, as PNG.

    The network runs once, however many tags are asked for. The names of the written files go to stdout.

    **Examples**

    `vectortag explain beach.jpg --tag sea`

    `vectortag explain beach.jpg --output maps/`
    """
    tagger = Tagger.load(
        model, profile=profile.value, runtime=runtime.value, precision=precision.value, additions=additions
    )
    analysis = tagger.analyse(photo)
    wanted = tags or [scored.tag for scored in analysis.tagging.tags]
    if not wanted:
        notes.print(f"{photo}: no tag reaches its threshold. Name one with --tag", style="yellow")
        return 0
    image = open_image(photo, max_pixels=tagger.embedder.recipe.max_pixels)
    for heatmap in analysis.heatmaps(wanted):
        file = _destination(output, photo, heatmap.tag, several=len(wanted) > 1)
        if heatmap.is_empty:
            notes.print(f"{heatmap.tag}: no part of the photo speaks for it; the map is empty", style="yellow")
        elif heatmap.source != heatmap.tag:
            notes.progress(f"{heatmap.tag}: seen as {heatmap.source}")
        save_png(draw_heatmap(image, heatmap, opacity=opacity), file)
        stdout().print(str(file))
    return 0


def _destination(output: Path | None, photo: Path, tag: str, *, several: bool) -> Path:
    if output is not None and output.suffix.lower() == ".png" and not output.is_dir():
        if several:
            raise VectorTagError(f"{output}: one file cannot hold several maps. Name a folder, or one --tag")
        return output
    folder = output or Path()
    return folder / f"{photo.stem}.{re.sub(r'[^0-9A-Za-z-]+', '_', tag)}.png"


def save_png(image: Image.Image, file: Path) -> None:
    """Write a PNG, and the folders above it.

    Raises:
        VectorTagError: the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VectorTagError(f"{file.parent}: cannot be made a folder: {error.strerror}") from error
    with appearing(file) as stream:
        image.save(stream, "PNG")

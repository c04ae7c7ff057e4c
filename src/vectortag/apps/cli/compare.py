"""vectortag compare"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.explain import save_png, say_where_maps_stay_coarse
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import stdout
from vectortag.core.types import Heatmap
from vectortag.data.outputs import PICTURE, InputFiles, check_output
from vectortag.inference.heatmap_drawing import sharpness
from vectortag.inference.image_grid import draw_comparison
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language
from vectortag.runtime.pixels import open_image


def compare(
    photo: Annotated[Path, typer.Argument(help="One photo.", show_default=False)],
    tags: Annotated[list[str], typer.Option("--tag", "-t", help="A tag; repeatable.", show_default=False)],
    models: Annotated[
        list[str],
        typer.Option("--model", "-m", help="A model's name or folder; repeatable.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file to write.", show_default=False)],
    opacity: Annotated[float, typer.Option(min=0, max=1, help="Opacity of the heat maps over the photo.")] = 0.55,
    language: options.Language = None,
    fine: options.Fine = True,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    overwrite: options.Overwrite = False,
) -> int:
    """Draw heat maps of several models side by side: the photo, then one heat map per model, with its score.

    Also prints a table of scores and sharpness (0: spread evenly over the photo, 1: all in one cell).

    **Example**

    `vectortag compare beach.jpg --tag sea --tag sky --model lite0 --model resnet18 --output beach.png`
    """
    spoken = Language.load(language)
    check_output(output, PICTURE, inputs=InputFiles([photo], options=[language]), overwrite=overwrite)
    taggers = [Tagger.load(model, runtime=runtime, precision=precision) for model in models]
    wanted = [tags_named(tags, tagger, spoken) for tagger in taggers]
    if fine:
        for tagger in taggers:
            say_where_maps_stay_coarse(tagger)
    found = zip(taggers, wanted, strict=True)
    maps = [tagger.analyse(photo, fine=bool(fine)).heatmaps(named) for tagger, named in found]
    rows = [list(zip(_names(taggers), of_one_tag, strict=True)) for of_one_tag in zip(*maps, strict=True)]
    named_rows = [[(model, _named(one, spoken)) for model, one in row] for row in rows]
    image = open_image(photo, max_pixels=min(tagger.embedder.pixel_limit for tagger in taggers))
    drawn = named_rows if spoken.scripts == ("Latin",) else rows  # the font of pictures has no other letters
    save_png(draw_comparison(image, drawn, opacity=opacity), output)
    stdout().print(_table(named_rows))
    return 0


def _named(heatmap: Heatmap, spoken: Language) -> Heatmap:
    return replace(heatmap, tag=spoken.name(heatmap.tag), source=spoken.name(heatmap.source))


def _names(taggers: Sequence[Tagger]) -> list[str]:
    """The names of the models; `name@digest` if two models have the same name."""
    times = Counter(tagger.folder.manifest.name for tagger in taggers)
    folders = [tagger.folder for tagger in taggers]
    return [folder.manifest.name if times[folder.manifest.name] == 1 else folder.id for folder in folders]


def _table(rows: Sequence[Sequence[tuple[str, Heatmap]]]) -> Table:
    table = Table("tag", "model", "score", "sharpness", "seen as", box=None, header_style="bold")
    table.columns[2].justify = table.columns[3].justify = "right"
    for row in rows:
        for name, heatmap in row:
            seen_as = "" if heatmap.source == heatmap.tag else heatmap.source
            table.add_row(heatmap.tag, name, f"{heatmap.score:.2f}", f"{sharpness(heatmap):.2f}", seen_as)
    return table

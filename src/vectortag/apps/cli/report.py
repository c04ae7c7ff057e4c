"""vectortag report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout


def report(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    data: Annotated[list[Path], typer.Argument(help="The data sets of its training, with its validation photos.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the report. Default: reports/NAME in your data folder."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Write the report of a model from its validation photos, and print its path. Training writes the same report.

    It has curves, calibration, tags that occur together, the ten best and ten worst tags with a photo and a heat map
    each, and a table of all tags. The curves need matplotlib. `vectortag ui` shows the report, too.

    **Example**

    `vectortag report lite0 coco/metadata.csv corel5k/metadata.csv flickr8k/metadata.csv`
    """
    from vectortag.evaluation.report.rewrite import report_on

    stdout().print(str(report_on(model, data, output=output, overwrite=overwrite) / "README.md"))
    return 0

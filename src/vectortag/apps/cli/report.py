"""vectortag report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout


def report(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    data: Annotated[
        list[Path], typer.Argument(help="The data sets that it was trained on, with its validation photos.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder of the report. Default: in your data folder.")
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Show what a model can and cannot do: its report, as training writes it, from its validation photos.

    Curves, calibration, tags that come together, the ten best and the ten worst tags with a typical photo and its heat
    map each, and a table of every tag. The curves need matplotlib. `vectortag ui` shows it, too.

    **Example**

    `vectortag report lite0 coco/metadata.csv corel5k/metadata.csv flickr8k/metadata.csv`
    """
    from vectortag.evaluation.report.rewrite import report_on

    stdout().print(str(report_on(model, data, output=output, overwrite=overwrite) / "README.md"))
    return 0

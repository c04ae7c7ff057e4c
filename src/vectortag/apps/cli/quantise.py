"""vectortag quantise"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli.output import notes, stdout


def quantise(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    data: Annotated[list[Path], typer.Argument(help="The data sets of its training, with its validation photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new model folder.", show_default=False)],
) -> int:
    """Make a model faster: measure how much mAP bf16 and int8 lose, and add an int8 network if it loses little.

    `vectortag tag` then uses the fastest precision that loses at most 0.5 points of mAP on the validation photos.
    Needs `pip install 'vectortag[quantise]'`.

    **Example**

    `vectortag quantise runs/mine photos/metadata.csv --output models/mine`
    """
    from vectortag.assembly.quantise import quantise as quantise_model
    from vectortag.model.precision import allowed

    folder, drops = quantise_model(model, data, output)
    table = Table("data", "pixels", "mAP", "bf16 loses", "int8 loses", box=None, header_style="bold")
    for drop in drops:
        table.add_row(drop.data, str(drop.size), f"{drop.float32:.2f}", f"{drop.bf16:+.2f}", f"{drop.int8:+.2f}")
    stdout().print(table)
    notes.progress(f"{folder.path}: allowed precisions: {', '.join(allowed(folder))}")
    return 0

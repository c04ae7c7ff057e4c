"""Options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.model import calibration, precision
from vectortag.runtime import session

Model = Annotated[str | None, typer.Option("--model", "-m", help="A model's name or folder. See: vectortag models")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace a file that is not an older output. Never a photo, never an input."),
]
SkipBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Skip bad rows instead of stopping.")]
DataName = Annotated[
    str | None, typer.Option("--dataset", help="Name of the data set. Default: the name of its folder.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Number of threads. Default: all cores that this process may use."),
]

Additions = Annotated[bool, typer.Option("--additions/--no-additions", help="With or without the tags that you added.")]


Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Leave out what matches, as in a .gitignore: '*.png', 'private/'; repeatable."),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        help="Largest photo, in pixels. Default: 200000000, and 0.7 GB of memory. Above: up to 16 bytes per pixel.",
    ),
]


Profile = Annotated[
    calibration.Profile,
    typer.Option("--profile", help="precise: few wrong tags; thorough: few missed tags; balanced: best F1."),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        help="Side of the network's input in pixels, one of the model's sizes. Default: chosen by the profile.",
    ),
]
Fine = Annotated[
    bool | None,
    typer.Option(
        "--fine/--coarse",
        help="Fine heat maps come from a larger input and take longer. Default: fine for one photo, else coarse.",
    ),
]
Runtime = Annotated[session.Runtime, typer.Option("--runtime", help="The library that runs the network.")]
Precision = Annotated[
    precision.Precision,
    typer.Option("--precision", help="auto: the fastest with almost no loss; exact: float32."),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        envvar="VECTORTAG_LANGUAGE",
        help="Names of tags, for output and for input: de, fr, ja, ...; or a language file. Default: en.",
    ),
]

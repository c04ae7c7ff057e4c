"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.model import calibration, precision
from vectortag.runtime import session

Model = Annotated[str | None, typer.Option("--model", "-m", help="A model's name or folder. See: vectortag models")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to stdout.")]
SkipBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out instead of stopping.")]
DataName = Annotated[
    str | None, typer.Option("--dataset", help="The name under which the set is known; default: its folder's name.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Default: all cores this process may use.")]

Additions = Annotated[bool, typer.Option("--additions/--no-additions", help="With the tags that you added.")]


Profile = Annotated[
    calibration.Profile,
    typer.Option("--profile", help="precise: few wrong tags; thorough: few missed tags; balanced: F1."),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size", help="Pixels of the network's input, one that the model offers. Default: the largest for thorough."
    ),
]
Fine = Annotated[
    bool | None,
    typer.Option(
        "--fine/--coarse",
        help="Look again, on a larger input, for maps that point better. Default: where one photo is asked for.",
    ),
]
Runtime = Annotated[session.Runtime, typer.Option("--runtime", help="What runs the network.")]
Precision = Annotated[
    precision.Precision,
    typer.Option("--precision", help="auto: the fastest that loses next to nothing; exact: float32."),
]

"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str | None, typer.Option("--model", "-m", help="A model's name or folder. See: vectortag models")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to stdout.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace a file that is not an older output. Never a photo, never an input."),
]
SkipBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out instead of stopping.")]
DataName = Annotated[
    str | None, typer.Option("--dataset", help="The name under which the set is known; default: its folder's name.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Default: all cores this process may use.")]

Additions = Annotated[bool, typer.Option("--additions/--no-additions", help="With the tags that you added.")]


class ProfileName(StrEnum):
    precise = "precise"
    balanced = "balanced"
    thorough = "thorough"


class RuntimeName(StrEnum):
    auto = "auto"
    openvino = "openvino"
    onnxruntime = "onnxruntime"
    cuda = "cuda"


class PrecisionName(StrEnum):
    auto = "auto"
    exact = "exact"
    bf16 = "bf16"
    int8 = "int8"


Profile = Annotated[
    ProfileName, typer.Option("--profile", help="precise: few wrong tags; thorough: few missed tags; balanced: F1.")
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
Runtime = Annotated[RuntimeName, typer.Option("--runtime", help="What runs the network.")]
Precision = Annotated[
    PrecisionName, typer.Option("--precision", help="auto: the fastest that loses next to nothing; exact: float32.")
]

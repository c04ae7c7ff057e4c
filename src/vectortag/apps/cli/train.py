"""vectortag train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli.output import stdout
from vectortag.errors import MissingExtraError


def train(
    config: Annotated[Path, typer.Argument(help="A TOML file; see experiments/.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder that gets the model folder.")] = Path(
        "runs"
    ),
) -> int:
    """Train a model and write its model folder; its name goes to stdout.

    **Example**

    `VECTORTAG_DATA=data VECTORTAG_WEIGHTS=weights vectortag train experiments/lite0.toml`
    """
    try:
        from vectortag.train.config import load_config
        from vectortag.train.recipe import train as train_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("Training", error.name or "torch", "train") from error
    folder = train_model(load_config(config), output)
    stdout().print(str(folder.path))
    return 0

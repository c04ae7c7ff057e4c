"""vectortag train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout
from vectortag.apps.cli.summary import print_summary
from vectortag.core.errors import MissingExtraError
from vectortag.core.file_names import escape_path


def train(
    config: Annotated[Path, typer.Argument(help="A TOML file; see experiments/.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder in which the model folder is written.")
    ] = Path("runs"),
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: overrides the file; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue after the last finished epoch.")] = False,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older training of this name.")] = False,
) -> int:
    """Train a model, write its model folder, and print the path.

    Checkpoints, logs and a report are written beside it, to NAME.run.

    **Examples**

    `VECTORTAG_DATA=data vectortag train experiments/lite0.toml --set backbone.init=lite0`

    `vectortag train mine.toml --set learning_rate=1e-3 --set loss.kind=focal --resume`

    `torchrun --nproc-per-node 2 --no-python vectortag train mine.toml`
    """
    try:
        from vectortag.train.config_file import load_config
        from vectortag.train.recipe import train as train_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("Training", error.name or "torch", "train") from error
    folder = train_model(
        load_config(config, settings=settings or ()),
        output,
        resume=resume,
        skip_bad_rows=skip_bad_rows,
        overwrite=overwrite,
    )
    if folder is not None:
        report = output / f"{folder.manifest.name}.run" / "report"
        print_summary(folder, report=report, model=escape_path(folder.path))
        stdout().print(str(folder.path))
    return 0

"""vectortag train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.apps.cli.summary import print_summary
from vectortag.core.errors import ConfigError, MissingExtraError
from vectortag.core.file_names import escape_path


def train(
    config: Annotated[Path, typer.Argument(help="A TOML file; see experiments/.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder in which the model folder is written.")
    ] = Path("runs"),
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: override a key of the file; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue after the last finished epoch.")] = False,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older training of this name.")] = False,
    find_lr: Annotated[
        bool,
        typer.Option(
            "--find-lr",
            help="Do not train: print the learning rate at which the loss falls fastest, and write the curve.",
        ),
    ] = False,
) -> int:
    """Train a model, write its model folder, and print the path.

    Checkpoints, logs and a report are written to NAME.run, beside the model folder.

    **Examples**

    `VECTORTAG_DATA=data vectortag train experiments/lite0.toml --set backbone.init=lite0`

    `vectortag train mine.toml --set learning_rate=1e-3 --set loss.kind=focal --resume`

    `vectortag train mine.toml --find-lr`

    `torchrun --nproc-per-node 2 --no-python vectortag train mine.toml`
    """
    if find_lr and (resume or overwrite):
        raise ConfigError("--find-lr does not train. Leave out --resume and --overwrite")
    try:
        from vectortag.train.config_file import load_config

        if find_lr:
            from vectortag.train.learning_rate import curve_files, find_learning_rate
        else:
            from vectortag.train.recipe import train as train_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("Training", error.name or "torch", "train") from error
    loaded = load_config(config, settings=settings or ())
    if find_lr:
        curve = find_learning_rate(loaded, output, skip_bad_rows=skip_bad_rows)
        for file in curve_files(output, loaded.name):
            notes.print(f"curve: {escape_path(file)}")
        stdout().print(f"{curve.suggestion:.2g}")
        return 0
    folder = train_model(loaded, output, resume=resume, skip_bad_rows=skip_bad_rows, overwrite=overwrite)
    if folder is not None:
        report = output / f"{folder.manifest.name}.run" / "report"
        print_summary(folder, report=report, model=escape_path(folder.path))
        stdout().print(str(folder.path))
    return 0

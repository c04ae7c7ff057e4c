"""All commands together, and the one place where an error becomes text."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence

import typer
from PIL import Image
from rich.logging import RichHandler
from rich.text import Text

from vectortag.apps.cli import check, compare, correct, evaluate, explain, fit, inspect, models, tag, tags, train, ui
from vectortag.apps.cli.output import notes
from vectortag.errors import (
    ConfigError,
    CorrectionError,
    MissingExtraError,
    UnknownModelError,
    UnknownTagError,
    VectorTagError,
)

USAGE_ERRORS = (ConfigError, CorrectionError, MissingExtraError, UnknownModelError, UnknownTagError)
"""Errors of the command, not of its inputs: exit status 2."""

app = typer.Typer(
    name="vectortag",
    help="Tag photos: several tags each, with an honest score, and a heat map of what made the model say so.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("tag")(tag.tag)
app.command("explain")(explain.explain)
app.command("compare")(compare.compare)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("fit")(fit.fit)
app.command("check")(check.check)
app.command("tags")(tags.tags)
app.command("add-tag")(tags.add_tag)
app.command("remove-tag")(tags.remove_tag)
app.command("correct")(correct.correct)
app.command("corrections")(correct.corrections)
app.command("refresh")(correct.refresh)
app.command("suggest")(correct.suggest)
app.command("models")(models.models)
app.command("inspect")(inspect.inspect)
app.command("ui")(ui.ui)


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),  # answered in entry.py
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress on stderr, only warnings and errors."),
) -> None:
    del version
    notes.hushed = quiet
    handler = RichHandler(console=notes, show_path=False, show_level=False, log_time_format="%H:%M:%S")
    logger = logging.getLogger("vectortag")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    # Our own pixel cap is checked before decoding; Pillow's warning would only repeat it.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    command = typer.main.get_command(app)
    try:
        # Not `app(...)`, which answers Ctrl-C and a closed pipe by itself.
        with command.make_context("vectortag", list(arguments)) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _stopped()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except VectorTagError as error:
        _complain(str(error))
        return 2 if isinstance(error, USAGE_ERRORS) else 1
    except Exception as error:
        show = getattr(error, "show", None)  # an error of the parser itself: it knows how to print its usage
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))


def _complain(message: str) -> None:
    notes.print(Text.assemble(("error:", "bold red"), f" {message}"))


def _stopped() -> int:
    _complain("stopped; nothing half-written was left behind")
    return 130

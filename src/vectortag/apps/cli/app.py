"""The program `vectortag`: all commands, and the only place where an error becomes a message."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Sequence

import typer
from PIL import Image

from vectortag.apps.cli.output import NotesHandler, notes
from vectortag.core.errors import (
    ConfigError,
    CorrectionError,
    MissingExtraError,
    ShapeError,
    UnknownModelError,
    UnknownTagError,
    VectorTagError,
    WordsError,
)

USAGE_ERRORS = (
    ConfigError,
    CorrectionError,
    MissingExtraError,
    ShapeError,
    UnknownModelError,
    UnknownTagError,
    WordsError,
)
"""Errors in the command itself, not in its inputs: exit status 2."""

COMMANDS = {
    "tag": "tag",
    "explain": "explain",
    "find": "find",
    "compare": "compare",
    "evaluate": "evaluate",
    "report": "report",
    "train": "train",
    "fit": "fit",
    "quantise": "quantise",
    "learn-words": "learn_words",
    "check": "check",
    "tags": "tags",
    "add-tag": "tags",
    "remove-tag": "tags",
    "correct": "correct",
    "corrections": "correct",
    "refresh": "correct",
    "suggest": "correct",
    "ui": "ui",
    "serve": "serve",
    "models": "models",
    "bench": "bench",
    "inspect": "inspect",
}
"""The module of each command, in the order of the help. The function has the name of the command."""


def app_with(commands: Iterable[str]) -> typer.Typer:
    """The program with these commands. Only their modules are imported: that makes the start quick."""
    app = typer.Typer(
        name="vectortag",
        help="Tag photos: several tags per photo, each with a calibrated score, and a heat map that shows why.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in commands:
        module = importlib.import_module(f"vectortag.apps.cli.{COMMANDS[name]}")
        app.command(name)(getattr(module, name.replace("-", "_")))
    return app


def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),  # answered in entry.py
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress on stderr, only warnings and errors."),
) -> None:
    del version
    notes.hushed = quiet
    logger = logging.getLogger("vectortag")
    logger.handlers = [NotesHandler()]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


def _named(arguments: Sequence[str]) -> Iterable[str]:
    """The command that is called; all commands if the arguments do not start with one."""
    words = [argument for argument in arguments if argument not in {"-q", "--quiet"}]
    return words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    # Our own limit of pixels is checked before decoding; Pillow's warning would only repeat it.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    command = typer.main.get_command(app_with(_named(arguments)))
    try:
        # Not `app(...)`: it handles Ctrl-C and a closed pipe by itself.
        with command.make_context("vectortag", list(arguments)) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _stopped()
    except BrokenPipeError:  # the reader, such as `head`, has stopped reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except VectorTagError as error:
        notes.error(str(error))
        return 2 if isinstance(error, USAGE_ERRORS) else 1
    except Exception as error:
        show = getattr(error, "show", None)  # an error of the argument parser, which prints the usage
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))


def _stopped() -> int:
    notes.error("stopped; no incomplete file was left behind")
    return 130

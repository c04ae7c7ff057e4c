"""The program `vectortag`: all commands, and the only place where an error becomes a message."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from PIL import Image

from vectortag.apps.cli.output import NotesHandler, notes
from vectortag.apps.cli.signals import StoppedBySignal, stopped_by_signals
from vectortag.core.errors import (
    ConfigError,
    CorrectionError,
    LanguageError,
    MissingExtraError,
    OverwriteError,
    QueryError,
    ShapeError,
    UnknownModelError,
    UnknownTagError,
    VectorTagError,
    WordsError,
)
from vectortag.core.file_names import ESCAPING, escape_path
from vectortag.core.plain_text import printable

USAGE_ERRORS = (
    ConfigError,
    CorrectionError,
    LanguageError,
    MissingExtraError,
    OverwriteError,
    QueryError,
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
    "library": "library",
    "search": "search",
    "duplicates": "search",
    "stats": "search",
    "compare": "compare",
    "evaluate": "evaluate",
    "report": "report",
    "train": "train",
    "fit": "fit",
    "quantise": "quantise",
    "export": "export",
    "learn-words": "learn_words",
    "convert": "convert",
    "prepare": "prepare",
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
    "cache": "cache",
    "bench": "bench",
    "inspect": "inspect",
}
"""The module of each command, in the order of the help. The function has the name of the command; or it is the name of
a typer.Typer with commands of its own."""


def app_with(commands: Iterable[str]) -> typer.Typer:
    """The program with these commands. Only their modules are imported: that makes the start quick."""
    app = typer.Typer(
        name="vectortag",
        help="Tag photos: several tags per photo, each with a calibrated score and a heat map that shows where.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in commands:
        module = importlib.import_module(f"vectortag.apps.cli.{COMMANDS[name]}")
        command = getattr(module, name.replace("-", "_"))
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
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


def _named(arguments: Sequence[str]) -> list[str]:
    """The command that is called; all commands if the arguments do not start with one."""
    words = [argument for argument in arguments if argument not in {"-q", "--quiet"}]
    return words[:1] if words[:1] and words[0] in COMMANDS else list(COMMANDS)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    _set_up_pillow()
    _write_every_name()
    named = _named(arguments)
    command = typer.main.get_command(app_with(named))
    try:
        with stopped_by_signals(named):
            status = _invoke(command, arguments)
            sys.stdout.flush()  # here, since a failure can still be reported
            return status
    except (typer.Abort, KeyboardInterrupt):
        return _stopped(130)
    except StoppedBySignal as stop:
        return _stopped(128 + stop.number)
    except BrokenPipeError:  # the reader, such as `head`, has stopped reading
        return 0
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # how rich answers it where typer prints the help
            return 0
        raise
    except VectorTagError as error:
        notes.error(str(error))
        return 2 if isinstance(error, USAGE_ERRORS) else 1
    except OSError as error:  # such as of stdout or a lost network share: not a bug
        notes.error(f"{_where(error)}: {error.strerror or error}")
        return 1
    except Exception as error:
        show = getattr(error, "show", None)  # an error of the argument parser, which prints the usage
        if show is None:
            raise
        if isinstance(message := getattr(error, "message", None), str):
            vars(error)["message"] = printable(message, lines=True)
        show()
        return int(getattr(error, "exit_code", 2))
    finally:
        _let_stdout_go()


def _invoke(command: Any, arguments: Sequence[str]) -> int:
    """Not `app(...)`, which handles Ctrl-C and a closed pipe by itself."""
    try:
        with command.make_context("vectortag", list(arguments)) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as done:
        return done.exit_code


def _set_up_pillow() -> None:
    """Pillow's warnings and log do not name the photo; its limit of pixels is a second one, checked after our own.

    Blocks of 64 MiB go back to the system when a large picture is dropped. Pillow's own, of 16 MiB, glibc keeps for the
    thread that had them.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    Image.MAX_IMAGE_PIXELS = None
    Image.core.set_block_size(64 * 2**20)  # type: ignore[attr-defined,unused-ignore]


def _write_every_name() -> None:
    """Let stdout and stderr escape what their encoding lacks, such as names that are not UTF-8."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: discard the output, and keep the descriptor in use
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPING)


def _let_stdout_go() -> None:
    """Discard output that cannot be written: else the interpreter tries again when it exits, and prints a traceback."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _where(error: OSError) -> str:
    return "the output cannot be written" if error.filename is None else escape_path(os.fsdecode(error.filename))


def _stopped(status: int) -> int:
    notes.error("stopped; no output file is incomplete")
    return status

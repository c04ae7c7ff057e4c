"""How the command line prints: notes on stderr, data on stdout or in a file that appears only when it is complete."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

from rich.console import Console
from rich.text import Text

from vectortag.errors import VectorTagError

Item = TypeVar("Item")

BAR_CELLS = 20
EIGHTHS = " ▏▎▍▌▋▊▉█"

UNBOUNDED = 10_000
"""Columns of an output that is no terminal: nothing in a pipe or a file is cut off or wrapped."""


class PlainConsole(Console):
    """A console that prints names as they are: `[x]` and `:dog:` in a path are no markup."""

    def __init__(self, stream: TextIO | None = None, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(
            file=stream, stderr=stderr, width=width, soft_wrap=True, markup=False, emoji=False, highlight=False
        )

    def on_broken_pipe(self) -> None:
        """Let app.py answer it; rich would leave the program."""
        raise BrokenPipeError


class Notes(PlainConsole):
    """stderr, for people: warnings and errors by `print`, and, unless `--quiet` is given, progress."""

    hushed = False

    def error(self, text: str) -> None:
        self.print(Text.assemble(("error:", "bold red"), f" {text}"))

    def progress(self, text: str) -> None:
        if not self.hushed:
            self.print(text)


notes = Notes(stderr=True)


class NotesHandler(logging.Handler):
    """What the package logs, on stderr with the time of day."""

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        style = "yellow" if record.levelno >= logging.WARNING else ""
        notes.print(Text.assemble((moment, "dim"), " ", (self.format(record), style)))


def console_on(stream: TextIO) -> Console:
    """For data."""
    return PlainConsole(stream, width=None if stream.isatty() else UNBOUNDED)


def stdout() -> Console:
    """For data. Made anew each time, so that it writes to what stdout is now."""
    return console_on(sys.stdout)


def bar(score: float) -> Text:
    """A score in [0, 1] as a bar of 20 cells.

    >>> bar(0.5).plain
    '██████████          '
    """
    eighths = round(score * BAR_CELLS * 8)
    full, rest = divmod(eighths, 8)
    cells = EIGHTHS[8] * full + (EIGHTHS[rest] if rest else "")
    return Text(cells.ljust(BAR_CELLS), style="green")


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Yield stdout, or a text file that is written as `appearing` does.

    Raises:
        VectorTagError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with appearing(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as stream:
        yield stream


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file beside `path` that takes its name at the end; where that is not reached, nothing stays behind.

    Raises:
        VectorTagError: the file cannot be written.
    """
    if path.exists() and not path.is_file():
        raise VectorTagError(f"{path}: cannot be written: it is there and is no ordinary file. Name a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise VectorTagError(f"{path}: cannot be written: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o666 & ~_umask())  # mkstemp's files are private; an output is an ordinary file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def progress_over(items: Iterable[Item], *, total: int, what: str) -> Iterator[Item]:
    """Pass items on and show on stderr how far it is; nothing where stderr is not a terminal."""
    if not notes.is_terminal or notes.hushed or total < 2:
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        yield from progress.track(items, total=total)

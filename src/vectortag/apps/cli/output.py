"""How the command line prints: notes on stderr; data on stdout, or in a file that appears only when it is complete.

rich is imported only where it is used: its import takes a twentieth of a quick start.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from vectortag.core.file_names import ESCAPING
from vectortag.core.plain_text import printable
from vectortag.core.writing import atomic_output

if TYPE_CHECKING:
    from vectortag.apps.cli.console import PlainConsole

Item = TypeVar("Item")

BAR_CELLS = 20
EIGHTHS = " ▏▎▍▌▋▊▉█"

UNBOUNDED = 10_000
"""Width of an output that is not a terminal: nothing in a pipe or a file is cut off or wrapped."""


class Notes:
    """Messages on stderr: warnings and errors always, progress only without `--quiet`."""

    hushed = False

    @functools.cached_property
    def console(self) -> PlainConsole:
        """Made at the first message; writes to the stderr of that moment."""
        from vectortag.apps.cli.console import PlainConsole

        return PlainConsole(stderr=True)

    def print(self, text: str, style: str = "") -> None:
        self.pieces((text, style))

    def error(self, text: str) -> None:
        self.pieces(("error:", "bold red"), (f" {text}", ""))

    def pieces(self, *pieces: tuple[str, str]) -> None:
        """Print one line. If stderr is full or closed, the job goes on without it."""
        with contextlib.suppress(OSError, ValueError):
            self.console.pieces(*pieces)

    def progress(self, text: str) -> None:
        if not self.hushed:
            self.print(text)


notes = Notes()


class NotesHandler(logging.Handler):
    """Writes log records to stderr, with the time of day."""

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        style = "yellow" if record.levelno >= logging.WARNING else ""
        notes.pieces((moment, "dim"), (" ", ""), (self.format(record), style))


def console_on(stream: TextIO) -> PlainConsole:
    """A console for data."""
    from vectortag.apps.cli.console import PlainConsole

    return PlainConsole(stream, width=None if stream.isatty() else UNBOUNDED)


def stdout() -> PlainConsole:
    """A console for data; a new one for each call, because sys.stdout may have changed."""
    return console_on(sys.stdout)


def line_writer(stream: TextIO) -> Callable[..., None]:
    """A function that writes a line of (text, style) pairs: styled on a terminal, else plain text without rich."""
    if stream.isatty() or "FORCE_COLOR" in os.environ:
        return console_on(stream).pieces
    return lambda *pieces: print("".join(printable(text, lines=True) for text, _ in pieces), file=stream)


def bar(score: float, encoding: str | None = None) -> str:
    """A score in [0, 1] as a bar of 20 cells; of "#" if the console's encoding lacks the blocks.

    >>> bar(0.5)
    '██████████          '
    >>> bar(0.5, "latin-1")
    '##########          '
    """
    if encoding and not _has_blocks(encoding):
        return ("#" * round(score * BAR_CELLS)).ljust(BAR_CELLS)
    eighths = round(score * BAR_CELLS * 8)
    full, rest = divmod(eighths, 8)
    cells = EIGHTHS[8] * full + (EIGHTHS[rest] if rest else "")
    return cells.ljust(BAR_CELLS)


def cells(text: str) -> int:
    """The width of text in a terminal: characters of Chinese and Japanese are two cells wide.

    >>> cells("dog"), cells("犬")
    (3, 2)
    """
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


@functools.cache
def _has_blocks(encoding: str) -> bool:
    try:
        EIGHTHS.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Yield stdout, or a text file that is written as `atomic_output` does.

    Raises:
        OutputError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with atomic_output(path) as file:
        stream = io.TextIOWrapper(file, encoding="utf-8", errors=ESCAPING, newline="")
        yield stream
        stream.flush()
        stream.detach()  # `atomic_output` has still to bring the file to disk


def progress_over(items: Iterable[Item], *, total: int, what: str) -> Iterator[Item]:
    """Yield the items, with a progress bar on stderr if that is a terminal."""
    if not sys.stderr.isatty() or notes.hushed or total < 2:
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes.console, transient=True) as progress:
        yield from progress.track(items, total=total)


SECONDS_BETWEEN_NOTES = 10.0


@contextlib.contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with the photos that are done and all of them: a bar, or a line every 10 seconds."""
    if notes.hushed or not sys.stderr.isatty():
        yield _LineEverySeconds(what)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes.console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _LineEverySeconds:
    def __init__(self, what: str) -> None:
        self._what, self._told = what, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._told > SECONDS_BETWEEN_NOTES:
            self._told = time.monotonic()
            notes.progress(f"{self._what}: {done:,} of {total:,}")

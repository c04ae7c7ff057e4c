"""How the command line prints: notes on stderr, data on stdout or in a file that appears only when it is complete."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from vectortag.errors import VectorTagError

Item = TypeVar("Item")

notes = Console(stderr=True)
"""For people: progress, warnings, errors."""

BAR_CELLS = 20
EIGHTHS = " ▏▎▍▌▋▊▉█"


def stdout() -> Console:
    """For data. Made anew each time, so that it writes to what stdout is now."""
    return Console(highlight=False, soft_wrap=True)


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
    """Yield stdout, or a file beside `path` that takes its name at the end.

    Raises:
        VectorTagError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise VectorTagError(f"{path}: cannot be written: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
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
    if not notes.is_terminal or notes.quiet or total < 2:
        yield from items
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        yield from progress.track(items, total=total)

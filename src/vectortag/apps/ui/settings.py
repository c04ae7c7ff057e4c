"""The options of the page: `streamlit run app.py -- --models DIR --data DIR --library FILE --edit`."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the page was started with.

    Attributes:
        models: folders that contain model folders.
        data: data sets that the page may show.
        library: the file of a photo library; None is the user's own, if there is one.
        edit: whether visitors may change tags of the library's photos, write sidecars and teach.
    """

    models: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    library: Path | None = None
    edit: bool = False

    def to_arguments(self) -> list[str]:
        """The command line that `read_settings` reads back."""
        named = [("--models", path) for path in self.models] + [("--data", path) for path in self.data]
        named += [] if self.library is None else [("--library", self.library)]
        return [*(text for option, path in named for text in (option, str(path.absolute()))), *["--edit"] * self.edit]


def read_settings(arguments: Sequence[str]) -> Settings:
    """Read a command line; unknown arguments are ignored.

    >>> read_settings(["--models", "runs"])
    Settings(models=(PosixPath('runs'),), data=(), library=None, edit=False)
    """
    return _read(tuple(arguments))


@functools.cache
def _read(arguments: tuple[str, ...]) -> Settings:
    """Each command line is read once: a page of thumbnails would ask for it 60 times."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--library", type=Path)
    parser.add_argument("--edit", action="store_true")
    known, _ = parser.parse_known_args(arguments)
    return Settings(tuple(known.models), tuple(known.data), known.library, known.edit)

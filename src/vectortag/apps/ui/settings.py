"""The options of the page: `streamlit run app.py -- --models DIR --data DIR`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Attributes: `models`, folders that contain model folders; `data`, data sets that the page may show."""

    models: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()

    def to_arguments(self) -> list[str]:
        """The command line that `read_settings` reads back."""
        named = [("--models", path) for path in self.models] + [("--data", path) for path in self.data]
        return [text for option, path in named for text in (option, str(path.absolute()))]


def read_settings(arguments: Sequence[str]) -> Settings:
    """Read a command line; unknown arguments are ignored.

    >>> read_settings(["--models", "runs"])
    Settings(models=(PosixPath('runs'),), data=())
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--data", type=Path, action="append", default=[])
    known, _ = parser.parse_known_args(arguments)
    return Settings(tuple(known.models), tuple(known.data))

"""What the page was started with: `streamlit run app.py -- --models DIR --data DIR`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Attributes: `models`, folders with model folders in them; `data`, data sets that may be looked at."""

    models: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()

    def to_arguments(self) -> list[str]:
        """The same as `read_settings` takes it."""
        named = [("--models", path) for path in self.models] + [("--data", path) for path in self.data]
        return [text for option, path in named for text in (option, str(path.absolute()))]


def read_settings(arguments: Sequence[str]) -> Settings:
    """Read a command line; what is not known is left alone.

    >>> read_settings(["--models", "runs"])
    Settings(models=(PosixPath('runs'),), data=())
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--data", type=Path, action="append", default=[])
    known, _ = parser.parse_known_args(arguments)
    return Settings(tuple(known.models), tuple(known.data))

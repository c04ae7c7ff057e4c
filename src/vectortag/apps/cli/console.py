"""The rich console that all commands print with."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text


class PlainConsole(Console):
    """A console that prints text unchanged: `[x]` and `:dog:` in a path are not markup."""

    def __init__(self, stream: TextIO | None = None, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(
            file=stream, stderr=stderr, width=width, soft_wrap=True, markup=False, emoji=False, highlight=False
        )

    def pieces(self, *pieces: tuple[str, str]) -> None:
        """Print one line of (text, style) pairs."""
        self.print(Text.assemble(*pieces))

    def on_broken_pipe(self) -> None:
        """Let app.py handle it; rich would exit."""
        raise BrokenPipeError

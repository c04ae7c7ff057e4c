"""What rich prints with."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text


class PlainConsole(Console):
    """A console that prints names as they are: `[x]` and `:dog:` in a path are no markup."""

    def __init__(self, stream: TextIO | None = None, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(
            file=stream, stderr=stderr, width=width, soft_wrap=True, markup=False, emoji=False, highlight=False
        )

    def pieces(self, *pieces: tuple[str, str]) -> None:
        """One line, of texts that look different: each with rich's name for how."""
        self.print(Text.assemble(*pieces))

    def on_broken_pipe(self) -> None:
        """Let app.py answer it; rich would leave the program."""
        raise BrokenPipeError

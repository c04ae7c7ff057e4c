"""The rich console that all commands print with."""

from __future__ import annotations

from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from vectortag.core.plain_text import printable


class PlainConsole(Console):
    """A console that prints text unchanged: `[x]` and `:dog:` in a path are not markup, and ESC is no command."""

    def __init__(self, stream: TextIO | None = None, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(
            file=stream, stderr=stderr, width=width, soft_wrap=True, markup=False, emoji=False, highlight=False
        )

    def pieces(self, *pieces: tuple[str, str]) -> None:
        """Print one line of (text, style) pairs."""
        self.print(Text.assemble(*((printable(text, lines=True), style) for text, style in pieces)))

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; a string may have several lines."""
        plain = (Text(printable(one, lines=True)) if isinstance(one, str) else one for one in objects)
        super().print(*plain, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A cell of a table."""
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> None:
        """Let app.py handle it; rich would exit."""
        raise BrokenPipeError

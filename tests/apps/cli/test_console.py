"""The console that all commands print with: text is shown as it is."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from vectortag.apps.cli.console import PlainConsole


class TestPlainText:
    def printed(self, *objects: object, width: int | None = None) -> str:
        stream = io.StringIO()
        PlainConsole(stream, width=width).print(*objects)
        return stream.getvalue()

    @pytest.mark.parametrize("text", ["[red]x[/red]", ":dog: \\[x]", "192.168.0.1 'a' True 5"])
    def test_nothing_in_a_text_is_markup(self, text: str):
        assert self.printed(text) == f"{text}\n"

    def test_a_long_line_is_not_broken_however_narrow_the_terminal(self):
        assert self.printed("word " * 50, width=20) == "word " * 50 + "\n"

    def test_a_text_may_have_lines_and_a_cell_has_one(self):
        table = Table("name", box=None)
        table.add_row("a\nforged row")

        assert self.printed("a\nb") == "a\nb\n"
        assert r"a\u000aforged row" in self.printed(table, width=80)

    def test_nothing_in_a_cell_is_markup(self):
        table = Table("[red]name", box=None)
        table.add_row("[bold]x[/bold] :dog:")

        assert self.printed(table, width=80).split("\n")[0].strip() == "[red]name"
        assert self.printed(table, width=80).split("\n")[1].strip() == "[bold]x[/bold] :dog:"

    def test_the_pieces_of_a_line_lose_their_styles_where_there_is_no_terminal(self):
        stream = io.StringIO()

        PlainConsole(stream).pieces(("[bold]", "bold"), (" \x1b[2J", "red"))

        assert stream.getvalue() == "[bold] \\u001b[2J\n"


def test_a_reader_that_has_gone_is_left_to_the_command():
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        PlainConsole(Gone()).print("text")

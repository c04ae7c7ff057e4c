"""How commands print: bars, lines, files, progress and messages."""

from __future__ import annotations

import io
import logging
import re
import sys
from pathlib import Path

import pytest

from vectortag.apps.cli.output import NotesHandler, bar, line_writer, notes, open_output, progress_over, stdout


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def fresh_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages go to the stderr of this test, and nothing is quiet."""
    notes.__dict__.pop("console", None)
    monkeypatch.setattr(notes, "hushed", False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.mark.parametrize(
    ("score", "cells"), [(0, ""), (1, "█" * 20), (0.5, "█" * 10), (0.48, "█" * 9 + "▋"), (0.001, "")]
)
def test_a_bar_has_twenty_cells_whatever_the_score(score: float, cells: str):
    assert bar(score) == cells.ljust(20)


class TestLines:
    def test_in_a_pipe_a_line_is_its_text_alone(self):
        stream = io.StringIO()

        line_writer(stream)(("[bold] :dog: ", "bold"), ("x" * 300, "green"))

        assert stream.getvalue() == f"[bold] :dog: {'x' * 300}\n"

    def test_on_a_terminal_it_is_styled(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        stream = Terminal()

        line_writer(stream)(("[bold] ", "bold"), ("sea", ""))

        assert stream.getvalue() == "\x1b[1m[bold] \x1b[0msea\n"

    def test_nothing_is_cut_off_or_wrapped_where_stdout_is_no_terminal(self, capsys: pytest.CaptureFixture[str]):
        stdout().print("x" * 500 + " [y] :dog:")

        assert capsys.readouterr().out == "x" * 500 + " [y] :dog:\n"


class TestFiles:
    def test_without_a_path_it_is_stdout(self, capsys: pytest.CaptureFixture[str]):
        with open_output(None) as stream:
            assert stream is sys.stdout
            stream.write("é\n")

        assert capsys.readouterr().out == "é\n"

    def test_a_file_has_utf_8_and_its_line_ends_as_written(self, tmp_path: Path):
        with open_output(tmp_path / "out") as stream:
            stream.write("é\r\nb\n")

        assert (tmp_path / "out").read_bytes() == "é\r\nb\n".encode()

    def test_a_file_appears_at_the_end_or_not_at_all(self, tmp_path: Path):
        def fail() -> None:
            with open_output(tmp_path / "out") as stream:
                stream.write("half")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

        assert list(tmp_path.iterdir()) == []


class TestProgress:
    def shown(self, monkeypatch: pytest.MonkeyPatch, items: str) -> str:
        """What stderr gets as a terminal while all items pass."""
        terminal = Terminal()
        with monkeypatch.context() as patch:  # not in a fixture: pytest sets stderr anew before each test
            patch.setenv("TERM", "xterm-256color")
            patch.setattr(sys, "stderr", terminal)
            assert list(progress_over(iter(items), total=len(items), what="tagging")) == list(items)
        return terminal.getvalue()

    def test_all_items_pass_and_a_bar_is_shown(self, monkeypatch: pytest.MonkeyPatch):
        shown = self.shown(monkeypatch, "abc")

        assert "tagging" in shown
        assert "3/3" in shown

    def test_no_bar_is_shown_for_one_item_or_with_quiet(self, monkeypatch: pytest.MonkeyPatch):
        assert self.shown(monkeypatch, "a") == ""
        notes.hushed = True
        assert self.shown(monkeypatch, "abc") == ""

    def test_in_a_pipe_no_bar_is_shown(self, capsys: pytest.CaptureFixture[str]):
        assert list(progress_over("abc", total=3, what="tagging")) == ["a", "b", "c"]
        assert capsys.readouterr().err == ""


class TestNotes:
    def test_quiet_hides_progress_and_nothing_else(self, capsys: pytest.CaptureFixture[str]):
        notes.hushed = True

        notes.progress("nearly there")
        notes.print("careful")
        notes.error("[x] is wrong")

        assert capsys.readouterr().err == "careful\nerror: [x] is wrong\n"

    def test_log_records_have_the_time_of_day(self, capsys: pytest.CaptureFixture[str]):
        NotesHandler().emit(logging.LogRecord("vectortag", logging.INFO, "", 0, "epoch %d of :3:", (1,), None))

        assert re.fullmatch(r"\d\d:\d\d:\d\d epoch 1 of :3:\n", capsys.readouterr().err)

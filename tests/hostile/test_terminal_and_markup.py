"""Names with commands for a terminal, and names with HTML: in every output of the command line they are only names."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from vectortag.apps.cli.output import console_on, line_writer, notes
from vectortag.apps.formats import CsvWriter, JsonLinesWriter
from vectortag.core.errors import PhotoError
from vectortag.core.types import FailedTagging
from vectortag.inference.found_page import write_found_page
from vectortag.inference.search import Found

EVIL = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e.jpg"
ESCAPED = r"\u001b[2J\u001b]0;title\u0007\u009b31m\u202e.jpg"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
Cli = Callable[..., Any]


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_lines_and_tables():
    for write in (
        lambda stream: console_on(stream).print(EVIL),
        lambda stream: console_on(stream).pieces((EVIL, "bold"), (EVIL, "")),
        lambda stream: line_writer(stream)((EVIL, "bold")),
    ):
        stream = io.StringIO()
        write(stream)
        assert ESCAPED in stream.getvalue()
        assert not COMMANDS.search(stream.getvalue())
    table, stream = Table(EVIL, box=None), io.StringIO()
    table.add_row(f"{EVIL}\nforged row")
    console_on(stream).print(table)
    assert not COMMANDS.search(stream.getvalue())
    assert rf"{ESCAPED}\u000aforged row" in stream.getvalue()


def test_messages(capsys: pytest.CaptureFixture[str]):
    notes.__dict__.pop("console", None)

    notes.error(f"{EVIL}: not a photo")

    assert capsys.readouterr().err == f"error: {ESCAPED}: not a photo\n"
    notes.__dict__.pop("console", None)


@pytest.mark.parametrize("writer", [CsvWriter, JsonLinesWriter])
def test_data_on_a_terminal(writer: Any):
    stream = Terminal()

    writer(stream).failed(FailedTagging(Path(EVIL), PhotoError(EVIL)))

    assert not COMMANDS.search(stream.getvalue().replace("\r", ""))
    if writer is JsonLinesWriter:
        assert json.loads(stream.getvalue())["path"] == EVIL


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_tag(cli: Cli, tiny_model: Path, make_photo: Callable[..., Path], tmp_path: Path, form: str):
    folder = tmp_path / "photos"
    folder.mkdir()
    make_photo("a.png").rename(folder / f"{EVIL[:-4]}.png")
    (folder / f"broken{EVIL}").write_bytes(b"no photo")

    done = cli("tag", folder, "--model", tiny_model, "--format", form)

    assert done.status == 1
    assert not COMMANDS.search(done.stderr)
    if form != "csv":  # a file of data keeps its names; on a terminal they are escaped
        assert not COMMANDS.search(done.stdout)
    if form == "jsonl":
        assert {Path(json.loads(line)["path"]).name for line in done.stdout.splitlines()} == {
            f"{EVIL[:-4]}.png",
            f"broken{EVIL}",
        }


@pytest.mark.parametrize("arguments", [("tag", EVIL), ("tag", f"--{EVIL}"), (EVIL,), ("inspect", EVIL)])
def test_error_lines(cli: Cli, arguments: tuple[str, ...]):
    done = cli(*arguments)

    assert done.status != 0
    assert not COMMANDS.search(done.stderr.replace("\x1b[", "")) or "FORCE_COLOR" in done.stderr
    assert EVIL not in done.stderr


class Elements(HTMLParser):
    """The elements of a page, and the addresses in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "onerror"}]


def test_a_page_of_found_photos(make_photo: Callable[..., Path], tmp_path: Path):
    name = "'\"><img src=http:&#47;&#47;evil.example onerror=alert(1)><script>.png"
    photo = make_photo("a.png").rename(tmp_path / name)
    found = [Found(photo, 0.5), Found(tmp_path / f"gone{name}", 0.4)]
    stream = io.StringIO()

    write_found_page(stream, f"</title><script>{EVIL}</script>", found)

    page = stream.getvalue()
    elements = Elements(page)
    known = {"html", "meta", "title", "style", "h1", "main", "figure", "img", "figcaption", "p"}
    assert elements.names <= known
    assert [address[:22] for address in elements.addresses] == ["data:image/jpeg;base64"]
    assert "default-src 'none'" in page
    assert not COMMANDS.search(page)

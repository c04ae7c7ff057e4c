"""No name of others becomes markup on the page: by reading its source, and in the browser with a stranger's model."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui import state
from vectortag.model.taxonomy import Taxonomy

UI = Path(state.__file__).parent
MARKDOWN = {"markdown", "warning", "error", "info", "success", "caption", "title", "header", "subheader", "spinner"}
"""Streamlit's functions whose first argument is Markdown."""

HARMLESS = {"as_text", "code_span", "harmless", "lower_headings", "len", "photos"}
"""Functions whose result may stand in Markdown."""

KNOWN = {
    # numbers and constants
    *("MIN_EXAMPLES", "MAX_LISTED", "MOST_PHOTOS", "tag.examples", "sizes", "what"),
    *("QUESTIONS", "place + 1", "yes", "len(said) - yes", "len(group.photos) - MOST_SHOWN"),
    *("NO_LIBRARY", "ONLY_SHOWN", "KINDS[group.kind]", "ORDERS[result.order]", "ENDED[job.state]"),
    # made of escaped pieces just above
    *("shows", "verdict", "limit", "said", "tag", "where", "implied", "without", "corrected", "_advice(tag)"),
    *("'  \\n'.join(map(as_text, problems))", "len(corrections) - MAX_LISTED"),
    *("line", "text", "note", "about", "_caption(heatmap, row)", "name", "'  \\n'.join(lines)"),
}

NAME = "![x](http://evil.example/x.png) <b>bold</b> `a` :dog: *cat*"
CARD = f"""# {NAME}

<script>document.title = "evil"</script>

![pixel](http://evil.example/pixel.png)

[a link](http://evil.example/) http://evil.example/ :red[red]

[![][1]][1]

[1]: http://evil.example/reference.png
"""


def inserted() -> Iterator[tuple[str, ast.expr]]:
    """What Markdown calls insert, with its place: values in f-strings, and arguments that are no literals."""
    for file in (UI / "state.py", *sorted((UI / "views").glob("*.py"))):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in MARKDOWN):
                continue
            for argument in call.args[:1]:
                parts = [part for part in ast.walk(argument) if isinstance(part, ast.FormattedValue)]
                values = [part.value for part in parts if part.format_spec is None]  # with one it is a number
                if isinstance(argument, (ast.Name, ast.Attribute, ast.Call)):
                    values.append(argument)
                for value in values:
                    yield f"{file.name}:{value.lineno}: {ast.unparse(value)}", value


def test_what_the_page_puts_into_markdown_is_a_number_or_escaped():
    found = list(inserted())
    assert len(found) > 30

    assert [place for place, value in found if not is_harmless(value)] == []


def is_harmless(value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp):
        return isinstance(value.body, ast.Constant) and isinstance(value.orelse, ast.Constant)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in HARMLESS:
        return True
    return ast.unparse(value) in KNOWN


@pytest.fixture
def stranger(
    write_tiny_model: Callable[..., Any],
    tmp_path: Path,
    running: Callable[..., Any],
    free_port: Callable[[], int],
    programs: None,
) -> Iterator[str]:
    """The address of a page with a stranger's model."""
    names = (NAME, "<i>beach</i>", "dog", "sea", "boat", "vehicle")
    write_tiny_model(
        tmp_path / "models/evil",
        card=lambda manifest: CARD,
        tags=names,
        taxonomy=Taxonomy(),
        backbone={"architecture": NAME, "width": 8, "stride": 4},
    )
    port = free_port()
    environment = {**os.environ, "VECTORTAG_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", "from vectortag.apps.entry import main; main()", "ui", "--port", port]
    with running([*command, "--models", tmp_path / "models"], port, environment):
        yield f"http://127.0.0.1:{port}"


def test_a_strangers_model_in_the_browser(stranger: str, browser: Any):
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{stranger}/models")
    pixel = page.get_by_text("pixel.png")
    pixel.wait_for(state="attached", timeout=60_000)
    page.get_by_test_id("stExpander").filter(has=pixel).locator("summary").click()
    pixel.wait_for(timeout=30_000)

    text = page.get_by_test_id("stMain").inner_text().replace("\N{WORD JOINER}", "")
    assert text.count(NAME) >= 1
    assert "![pixel](http://evil.example/pixel.png)" in text
    assert "<script>" in text
    assert page.locator("a[href*='//evil'], img[src*=evil], [data-testid=stMarkdown] img").count() == 0
    assert [url for url in asked if "evil.example" in url] == []
    page.close()

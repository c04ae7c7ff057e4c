"""The page as a web application: what guards it, and what it imports before anybody asks."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

app = pytest.importorskip("vectortag.apps.ui.app")

HERE = "127.0.0.1:8501"


def answer(path: str, **headers: str) -> int:
    """The status of the application's answer to a GET, without a server."""
    sent: list[Any] = []
    comes = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        return next(comes, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": raw,
        "http_version": "1.1", "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8501),
    }  # fmt: skip
    asyncio.run(app.app(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/library/photo/1", "/library/suggestions"])
def test_a_page_of_another_origin_reaches_nothing(path: str):
    assert answer(path, host=HERE, origin="http://evil.example") == 403
    assert answer(path, host=HERE, origin="null") == 403


def test_a_request_without_a_host_reaches_nothing():
    assert answer("/", host=HERE) == 200
    assert answer("/") in {400, 421}
    assert answer("/", host="a b") in {400, 421}


def test_each_view_of_the_page_is_imported_ahead_that_of_the_first_page_first():
    source = app.Path(app.__file__).with_name("page.py").read_text("utf-8")
    shown = {
        name for name in ("tag", "library", "compare", "models", "reports", "your_tags") if f"{name}.show" in source
    }

    assert {view.rpartition(".")[2] for view in app.VIEWS} == shown
    assert app.VIEWS[0].endswith(".tag")
    for view in app.VIEWS:
        assert callable(importlib.import_module(view).show)


def test_views_are_imported_while_the_browser_loads_and_not_before():
    code = """
import asyncio, json, sys, threading
from vectortag.apps.ui import app

def views():
    return [name for name in app.VIEWS if name in sys.modules]

async def begin():
    before = views()
    async with app.importing(app.app):
        for thread in threading.enumerate():
            if thread.name == "imports":
                thread.join()
    return before, views()

print(json.dumps(asyncio.run(begin())))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(run.stdout.splitlines()[-1]) == [[], app.VIEWS]

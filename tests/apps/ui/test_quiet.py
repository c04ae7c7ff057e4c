"""The page talks to nobody but the browser in front of it: the server by strace, the browser by its own requests."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vectortag.apps.cli.ui import PAGE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADDRESS = re.compile(r'sin6?_addr=inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"|inet_pton\(AF_INET6, "([^"]+)"')


@pytest.fixture
def strace(need: Callable[[object, str], None]) -> str:
    program = shutil.which("strace")
    need(
        program and subprocess.run([program, "-f", "true"], capture_output=True, check=False).returncode == 0, "strace"
    )
    return str(program)


def test_the_server_knows_no_address_but_this_machines_own(
    strace: str,
    browser: Browser,
    tmp_path: Path,
    running: Callable[..., Any],
    free_port: Callable[[], int],
):
    trace, port = tmp_path / "trace", free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VECTORTAG_HOME": str(tmp_path / "home")}
    streamlit = [sys.executable, "-m", "streamlit", "run", str(PAGE), "--server.port", str(port)]  # no other option

    with running([strace, "-f", "-qq", "-e", "trace=%network", "-o", trace, *streamlit], port, environment):
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/?photo=cat")
        page.get_by_test_id("heat").wait_for(timeout=120_000)
        page.close()

    calls = trace.read_text(errors="replace")
    addresses = {one or other for one, other in ADDRESS.findall(calls)}
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1"}, addresses
    assert f"sin_port=htons({port})" in calls
    assert 'inet_addr("0.0.0.0")' not in calls


@pytest.mark.parametrize("options", [(), ("--server.address", "0.0.0.0")], ids=["here", "everywhere"])
def test_what_strangers_send_makes_the_server_ask_nobody(
    strace: str, tmp_path: Path, running: Callable[..., Any], free_port: Callable[[], int], options: tuple[str, ...]
):
    trace, port = tmp_path / "trace", free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VECTORTAG_HOME": str(tmp_path / "home")}
    streamlit = [sys.executable, "-m", "streamlit", "run", str(PAGE), "--server.port", str(port), *options]
    watched = [strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", trace, *streamlit]

    with running(watched, port, environment):
        own = f"127.0.0.1:{port}"
        assert open_socket(port, own, f"http://{own}") == 101
        for origin in ("http://evil.example", "null", "http://[", f"http://{own}@evil.example"):
            assert open_socket(port, own, origin) == 403
        if not options:
            assert open_socket(port, "evil.example", "http://evil.example") == 403

    calls = trace.read_text(errors="replace")
    assert {one or other for one, other in ADDRESS.findall(calls)} <= {"127.0.0.1", "::1"}


def open_socket(port: int, host: str, origin: str) -> int:
    """The status of the answer to a WebSocket's first request."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        return int(connection.recv(4096).split()[1])


def test_the_browser_asks_nobody_but_the_server(visitor: Callable[..., Any]):
    someone = visitor()
    asked: list[str] = []
    someone.page.on("request", lambda request: asked.append(request.url))

    for path in ("/?photo=cat", "/compare?photo=cat", "/models", "/your-tags", "/reports"):
        someone.goto(path)
        someone.page.get_by_test_id("stMain").wait_for()

    own = (someone.server.url, f"blob:{someone.server.url}", "data:", someone.server.url.replace("http:", "ws:"))
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith(own)] == []

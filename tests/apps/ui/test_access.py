"""Who may open the page: Host and Origin, before Streamlit sees the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

access = pytest.importorskip("vectortag.apps.ui.access")

HERE = "127.0.0.1:8501"


def ask(names: Any, *headers: tuple[str, str], kind: str = "http") -> tuple[int | str, Any]:
    """What the guard answers: a status, or "in" and the headers that the page sees."""
    sent: list[Any] = []
    seen: list[Any] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "method": "GET", "path": "/", "headers": raw}
    asyncio.run(access.PageGuard(page, names=names)(scope, None, send))
    if seen:
        return "in", (seen[0], sent)
    return sent[0].get("status", sent[0]["type"]), sent


@pytest.fixture
def local() -> Any:
    from vectortag.apps.hosts import LOOPBACK

    return access.Names(LOOPBACK)


@pytest.mark.parametrize("host", [HERE, "localhost:8501", "[::1]:8501", "LOCALHOST"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_this_machines_own_names_open_it(local, host, kind):
    assert ask(local, ("host", host), kind=kind)[0] == "in"
    assert ask(local, ("host", host), ("origin", f"http://{host}"), kind=kind)[0] == "in"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (421, [("host", "rebound.example:8501")]),
        (421, [("host", "rebound.example:8501"), ("origin", "http://rebound.example:8501")]),
        (421, [("host", "127.0.0.1.evil.example")]),
        (403, [("host", HERE), ("origin", "http://evil.example")]),
        (403, [("host", HERE), ("origin", "http://127.0.0.1:9999")]),
        (403, [("host", HERE), ("origin", "null")]),
        (403, [("host", HERE), ("origin", f"http://{HERE}"), ("origin", "http://evil.example")]),
        (400, []),
        (400, [("host", HERE), ("host", HERE)]),
        (400, [("host", "127.0.0.1/x")]),
        (400, [("host", "a@127.0.0.1")]),
    ],
)
def test_others_are_refused(local, status: int, headers: Sequence[tuple[str, str]]):
    assert ask(local, *headers)[0] == status
    assert ask(local, *headers, kind="websocket")[0] == "websocket.close"


def test_on_another_address_the_origin_is_that_of_the_host():
    anywhere = access.Names(None)

    assert ask(anywhere, ("host", "photos.lan"), ("origin", "http://photos.lan"), kind="websocket")[0] == "in"
    assert ask(anywhere, ("host", "photos.lan"), ("origin", "http://evil.example"))[0] == 403


def test_streamlit_does_not_see_the_origin_of_a_websocket(local):
    origin = ("origin", f"http://{HERE}")

    _, (headers, _) = ask(local, ("host", HERE), origin, kind="websocket")
    assert headers == {b"host": HERE.encode()}
    _, (headers, _) = ask(local, ("host", HERE), origin)
    assert b"origin" in headers


def test_the_browser_may_load_nothing_from_another_host(local):
    _, (_, sent) = ask(local, ("host", HERE))

    policy = dict(sent[0]["headers"])[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_origins_that_streamlit_is_told_of_are_accepted(monkeypatch):
    options = {"server.address": "127.0.0.1", "server.corsAllowedOrigins": ["https://photos.example"]}
    monkeypatch.setattr(access.config, "get_option", options.__getitem__)
    names = access.accepted_names()

    assert names.hosts == {"127.0.0.1", "::1", "localhost", "photos.example"}
    assert ask(names, ("host", HERE), ("origin", "https://photos.example"), kind="websocket")[0] == "in"
    assert ask(names, ("host", "photos.example"), ("origin", "https://photos.example"))[0] == "in"
    assert ask(names, ("host", HERE), ("origin", "https://other.example"))[0] == 403


@pytest.mark.parametrize(("address", "hosts"), [("0.0.0.0", None), ("10.0.0.1", None), ("localhost", 3), (None, None)])
def test_which_hosts_are_accepted_follows_from_the_address(monkeypatch, address, hosts):
    options = {"server.address": address, "server.corsAllowedOrigins": []}
    monkeypatch.setattr(access.config, "get_option", options.__getitem__)

    found = access.accepted_names().hosts

    assert (found if found is None else len(found)) == hosts


def test_streamlit_finds_the_application(need_module: Callable[[str], Any]):
    from vectortag.apps.cli.ui import PAGE

    discovery = need_module("streamlit.web.server.app_discovery")

    assert discovery.discover_asgi_app(PAGE).import_string == "app:app"


class TestTheCookie:
    """Of each browser: with it, a tab that is loaded again finds its photos."""

    @staticmethod
    def cookies(names: Any, *headers: tuple[str, str], kind: bytes = b"text/html; charset=utf-8") -> list[str]:
        sent: list[Any] = []

        async def page(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", kind)]})

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.encode(), value.encode()) for name, value in (("host", HERE), *headers)]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": raw}
        asyncio.run(access.PageGuard(page, names=names)(scope, None, send))
        return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]

    def test_a_page_gives_a_new_browser_a_random_one_that_scripts_cannot_read(self, local):
        (one,), (other,) = self.cookies(local), self.cookies(local)

        assert one != other
        assert one.partition("=")[0] == access.COOKIE
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(one.split("; "))

    def test_a_browser_that_has_one_keeps_it(self, local):
        assert self.cookies(local, ("cookie", f"other=1; {access.COOKIE}=abc")) == []

    def test_scripts_and_pictures_bring_none(self, local):
        assert self.cookies(local, kind=b"text/javascript") == []

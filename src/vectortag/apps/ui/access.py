"""Who may open the page: Host and Origin are checked before Streamlit sees a request.

Streamlit accepts every host, so a web page elsewhere could reach this one under a name of its own (DNS rebinding).
And for an Origin that it does not know, it asks a server on the internet for the address of this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from vectortag.apps.hosts import LOOPBACK, foreign, host_name, one_host, split_address
from vectortag.apps.ui.visits import COOKIE, random_name

POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws://{host} wss://{host} data: "
    "blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""What the browser may load: scripts that Streamlit needs, but nothing from another host (CSP)."""


@dataclass(frozen=True, slots=True)
class Names:
    """Attributes: `hosts`, accepted in the Host header, None is any; `origins`, other origins that are accepted."""

    hosts: frozenset[str] | None
    origins: frozenset[str] = frozenset()


def accepted_names() -> Names:
    """What Streamlit's options say: this machine's own names, and those of `server.corsAllowedOrigins`.

    Where the page listens on another address, other machines know it by names that nobody told us.
    """
    origins = frozenset(origin.strip() for origin in config.get_option("server.corsAllowedOrigins"))
    if config.get_option("server.address") not in LOOPBACK:
        return Names(None, origins)
    return Names(LOOPBACK | {split_address(origin).hostname or "" for origin in origins} - {""}, origins)


class PageGuard:
    """The outermost middleware: refuses a wrong Host or Origin, for HTTP and for WebSockets."""

    def __init__(self, app: ASGIApp, *, names: Names) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = one_host(headers.getlist("host"))
        if host is None:
            await _refuse(400, "A request needs one Host header", scope, receive, send)
        elif self._names.hosts is not None and host_name(host) not in self._names.hosts:
            names = ", ".join(sorted(self._names.hosts))
            await _refuse(421, f"This page answers only as {names}", scope, receive, send)
        elif foreign(headers.getlist("origin"), host, self._names.origins):
            await _refuse(403, "Web pages of another origin may not use this page", scope, receive, send)
        else:
            await self._app(_checked(scope), receive, _with_headers(send, host, _new_cookie(scope)))


def _checked(scope: Scope) -> Scope:
    """Without its Origin, Streamlit does not check a WebSocket again."""
    if scope["type"] != "websocket":
        return scope
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]}


def _new_cookie(scope: Scope) -> bytes | None:
    """For a browser without one, a random name, with which `visits` knows it again until it is closed."""
    if COOKIE in cookie_parser("; ".join(Headers(scope=scope).getlist("cookie"))):
        return None
    return f"{COOKIE}={random_name()}; Path=/; HttpOnly; SameSite=Lax".encode()


def _with_headers(send: Send, host: str, cookie: bytes | None) -> Send:
    """Add the policy to each answer, and the cookie to each page of HTML."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"content-security-policy", POLICY.format(host=host).encode())]
            if cookie and any(name.lower() == b"content-type" and b"html" in kind for name, kind in headers):
                headers.append((b"set-cookie", cookie))
            message["headers"] = headers
        await send(message)

    return answer


async def _refuse(status: int, reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})  # becomes status 403
    else:
        await PlainTextResponse(f"{reason}\n", status)(scope, receive, send)

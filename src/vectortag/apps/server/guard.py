"""The door of the service: who may come in, what every answer carries, and what is counted of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vectortag.apps.server.auth import ApiKeys
from vectortag.apps.server.metrics import Metrics
from vectortag.apps.server.problems import Problem

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Answered without a key: probes, and what is the same for everybody."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the service.

    Attributes:
        keys: None lets everybody in.
        hosts: the names under which it answers; None is any. Without keys this keeps web pages out that reach a
            service on this machine by a name of their own (DNS rebinding).
        origins: web pages that may call it from a browser.
    """

    keys: ApiKeys | None = None
    hosts: frozenset[str] | None = None
    origins: Sequence[str] = ()

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raises Problem: 401, 403 or 421."""
        host = headers.get("host", "")
        if self.hosts is not None and _split(f"//{host}").hostname not in self.hosts:
            detail = f"This service answers as {', '.join(sorted(self.hosts))} only. To open it, start it with API keys"
            raise Problem(421, "wrong-host", detail)
        origin = headers.get("origin")
        known = origin is None or _split(origin).netloc == host or not {origin, "*"}.isdisjoint(self.origins)
        if not known and scope["method"] not in SAFE_METHODS:
            raise Problem(403, "wrong-origin", "Pages of another origin may not use this service")
        if self.keys is None or scope["path"] in OPEN_PATHS:
            return
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.keys.accepts(key.strip()):
            raise Problem(
                401,
                "no-key",
                "An API key is needed: Authorization: Bearer KEY",
                headers={"WWW-Authenticate": "Bearer"},
            )


class Guard:
    """The outermost layer: nothing passes it, in or out, that is not checked, counted and turned into a problem."""

    def __init__(self, app: ASGIApp, *, access: Access, metrics: Metrics, log_requests: bool = False) -> None:
        self._app, self._access, self._metrics, self._log_requests = app, access, metrics, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        try:
            self._access.check(scope, Headers(scope=scope))
            await self._app(scope, receive, answer)
        except Problem as problem:
            await self._answer(problem, scope, receive, answer)
        except ClientDisconnect:
            status = 499  # as nginx counts a client that went away
        except Exception:
            log.exception("%s %s: unexpected error", scope["method"], _route(scope))
            if status:  # the answer has begun: only its end can tell that something is wrong
                raise
            unexpected = Problem(500, "unexpected", "The service met an error that it did not expect; its log has it")
            await self._answer(unexpected, scope, receive, answer)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    async def _answer(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.errors.labels(problem.kind).inc()
        await problem.response()(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in {*SAFE_METHODS, "POST", "DELETE"} else "other"
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if self._log_requests:
            log.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds)


def _split(address: str) -> SplitResult:
    """The parts of an address; no parts where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _route(scope: Scope) -> str:
    """The route's pattern: what a client wrote in a path stays out of counters and logs."""
    return getattr(scope.get("route"), "path", "unknown")

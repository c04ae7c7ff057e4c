"""The outermost middleware: checks access, adds security headers, counts requests, and turns errors into problems."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vectortag.apps.hosts import foreign, host_name, one_host
from vectortag.apps.server.auth import ApiKeys
from vectortag.apps.server.metrics import Metrics
from vectortag.apps.server.problems import Problem

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Paths that need no key: health checks, and the OpenAPI document."""

BEARER = HTTPBearer(auto_error=False)
"""Reads the key from a request, and describes it in the OpenAPI document."""

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
        keys: the accepted API keys; None accepts every request.
        hosts: the accepted names in the Host header; None is any. Without keys this stops web pages that reach a
            service on this machine under a name of their own (DNS rebinding).
        origins: origins of web pages that may call the service from a browser (CORS).
    """

    keys: ApiKeys | None = None
    hosts: frozenset[str] | None = None
    origins: Sequence[str] = ()

    async def check(self, scope: Scope) -> None:
        """Raises Problem: 400, 401, 403, 421 or 501."""
        headers = Headers(scope=scope)
        host = _host(headers, scope)
        codings = [coding.strip().lower() for one in headers.getlist("transfer-encoding") for coding in one.split(",")]
        if codings not in ([], ["chunked"]):
            raise Problem(501, "unknown-coding", "A body may be sent chunked, and in no other Transfer-Encoding")
        if self.hosts is not None and host_name(host) not in self.hosts:
            detail = f"Without API keys, this service answers only as {', '.join(sorted(self.hosts))}"
            raise Problem(421, "wrong-host", detail)
        if scope["method"] not in SAFE_METHODS and foreign(headers.getlist("origin"), host, self.origins):
            raise Problem(403, "wrong-origin", "Web pages of another origin may not use this service")
        if self.keys is None or scope["path"] in OPEN_PATHS:
            return
        given = await BEARER(Request(scope))
        if given is None or not self.keys.accepts(given.credentials):
            raise Problem(
                401,
                "no-key",
                "An API key is needed: Authorization: Bearer KEY",
                headers={"WWW-Authenticate": "Bearer"},
            )


class Guard:
    """Every request and every response passes through it, so that a new route cannot forget a check."""

    def __init__(self, app: ASGIApp, *, access: Access, metrics: Metrics, log_requests: bool = False) -> None:
        self._app, self._access, self._metrics, self._log_requests = app, access, metrics, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        method = scope["method"]
        if method == "HEAD":  # as GET; the server leaves out the body
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        try:
            await self._access.check(scope)
            await self._app(scope, receive, answer)
        except Problem as problem:
            await self._answer(problem, scope, receive, answer)
        except ClientDisconnect:
            status = 499  # nginx's status for a client that closed the connection
        except Exception:
            log.exception("%s %s: unexpected error", method, _route(scope))
            if status:  # the response has started: only a broken connection can report the error
                raise
            unexpected = Problem(500, "unexpected", "An unexpected error; the log of the service has the details")
            await self._answer(unexpected, scope, receive, answer)
        finally:
            self._count(method, scope, status, time.perf_counter() - started)

    async def _answer(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.errors.labels(problem.kind).inc()
        await problem.response()(scope, receive, send)

    def _count(self, method: str, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        method = method if method in {*SAFE_METHODS, "POST", "DELETE"} else "other"
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if self._log_requests:
            log.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds)


def _host(headers: Headers, scope: Scope) -> str:
    """The one Host of a request; HTTP/1.0 may have none."""
    hosts = headers.getlist("host")
    if not hosts and scope["http_version"] == "1.0":
        return ""
    if (host := one_host(hosts)) is None:
        raise Problem(400, "wrong-host", "A request needs one Host header, with a name or address and perhaps a port")
    return host


def _route(scope: Scope) -> str:
    """The pattern of the route. The path itself may hold private names, so it stays out of counters and logs."""
    return getattr(scope.get("route"), "path", "unknown")

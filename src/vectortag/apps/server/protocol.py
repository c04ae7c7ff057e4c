"""HTTP/1.1 with what uvicorn lacks: timeouts for heads and for clients that do not read, and careful endings.

The bytes that are not a body (heads, chunk framing, trailers) and the number of connections are limited. Bodies have
their own limits, in `request_body.py`. Offers to change the protocol (`Upgrade: h2c`) are ignored: RFC 9110, 7.8.

uvicorn does not promise that the methods overridden here stay, so pyproject.toml caps its version.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vectortag.apps.server.connection import ClientTransport
from vectortag.apps.server.problems import MEDIA_TYPE, Problem

HEAD_SECONDS = 10.0
"""To send the head of a request."""

UNREAD_SECONDS = 20.0
"""To go on reading a response."""

HEAD_BYTES = 64 * 1024

OFFER = frozenset({b"upgrade", b"http2-settings"})
"""The headers of an offer to change the protocol, which `Connection` names, too."""


def open_files_limit() -> int:
    """How many connections may be open: 128 file descriptors are left for everything else."""
    try:
        import resource
    except ImportError:  # Windows
        return 400
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if soft == resource.RLIM_INFINITY else max(16, min(10_000, soft - 128))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a timer for heads, one for unread responses, and a limit for bytes that are no body."""

    most_connections = open_files_limit()
    transport: ClientTransport

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._head_bytes_left = HEAD_BYTES
        self._head_size = 0
        self._in_head = False
        self._keep_alive = True  # of the newest request, once its body has come
        self._refused = False  # nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(ClientTransport(transport, self.loop))
        if len(self.connections) > self.most_connections:
            self._refuse(Problem(503, "busy", "The service has too many open connections. Try again later"))
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_unread_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._head_bytes_left -= len(data)
        self._feed(data)
        if self._refused or self.transport.is_closing():
            return
        if self._head_bytes_left < 0:
            self._refuse(_head_too_large())
        elif self.cycle is None or self.cycle.response_complete:
            self._expect_head()

    def _feed(self, data: bytes) -> None:
        """Parse; where a request offers another protocol, parse its head again without the offer."""
        pieces: list[bytes | memoryview] = [memoryview(data)]
        while pieces and not self._refused:
            piece = pieces.pop()
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as offer:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(Problem(400, "broken-request", "The service is no proxy"))
                    return
                pieces += [piece[offer.args[0] :], self._head_without_offer()]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                kept = [token for token in value.split(b",") if token.strip().lower() not in OFFER]
                lines.append(b"connection: " + b",".join(kept))
            elif name not in OFFER:
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Whether the connection stays open: the client sends no more, and may wait for its answer."""
        self.transport.ended = True
        self._stop_head_timer()
        cycle = self.cycle
        if cycle is None or cycle.response_complete or self.transport.is_closing():
            return None
        if cycle.more_body and not self._refused:
            self._refuse(Problem(400, "broken-request", "The body ended too early"))
            return None
        cycle.keep_alive = self._keep_alive = False
        if not self.pipeline:
            self.transport.probe(lambda: not cycle.response_started and not cycle.disconnected)
        return True

    def on_message_begin(self) -> None:
        self._head_bytes_left, self._head_size, self._in_head = HEAD_BYTES, 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._head_size += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer, which must not replace what was checked
            return
        self._head_size += len(name) + len(value) + len(": \r\n")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._refused or self.parser.should_upgrade():
            return
        self._stop_head_timer()
        if self._head_size + len(self.parser.get_method()) + len("  HTTP/1.1\r\n\r\n") > HEAD_BYTES:
            self._refuse(_head_too_large())
            return
        super().on_headers_complete()
        # A connection outlives an answer only if the whole request has come before it.
        self._keep_alive, self.cycle.keep_alive = self.cycle.keep_alive, False
        self.transport.unread = True

    def on_body(self, body: bytes) -> None:
        if self._refused:
            return
        self._head_bytes_left += 2 * len(body)  # room for the framing of chunked bodies
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._refused or self.parser.should_upgrade():
            return
        super().on_message_complete()
        self.transport.unread = False
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive

    def shutdown(self) -> None:
        self._keep_alive = False
        super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_unread_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Problem(400, "broken-request", msg))

    def _expect_head(self) -> None:
        """Start the timer for a head; bytes that trickle in do not restart it."""
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _refuse(self, problem: Problem) -> None:
        """Answer what has come, and close the connection. Requests before it are answered, and then it closes."""
        self._refused = True
        self._stop_head_timer()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:  # the problem is one of the next request
                cycle.keep_alive = self._keep_alive = False
                self.transport.unread = True
                self.transport.pause_reading()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = to_json(problem.document())
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self.transport.unread = True
        self.transport.close()


def _head_too_large() -> Problem:
    return Problem(431, "head-too-large", f"The head of a request may have at most {HEAD_BYTES:,} bytes")

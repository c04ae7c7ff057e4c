"""HTTP/1.1 with timeouts where uvicorn has none: for the head of a request, and for a client that does not read.

The bytes that are not a body (heads, chunk framing, trailers) and the number of connections are limited too. Bodies
have their own limits, in `request_body.py`.

uvicorn does not promise that the methods overridden here stay, so pyproject.toml caps its version.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vectortag.apps.server.problems import MEDIA_TYPE, Problem

HEAD_SECONDS = 10.0
"""To send the head of a request."""

UNREAD_SECONDS = 20.0
"""To go on reading a response."""

HEAD_BYTES = 64 * 1024


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._head_bytes_left = HEAD_BYTES

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._refuse(Problem(503, "busy", "The service has too many open connections. Try again later"))
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_unread_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes_left -= len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_bytes_left < 0:
            self._refuse(Problem(431, "head-too-large", f"The head of a request may have at most {HEAD_BYTES:,} bytes"))
        elif self.cycle is None or self.cycle.response_complete:
            self._expect_head()

    def on_message_begin(self) -> None:
        self._head_bytes_left = HEAD_BYTES
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes_left += 2 * len(body)  # room for the framing of chunked bodies
        super().on_body(body)

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
        """Answer without a request, and close the connection."""
        body = to_json(problem.document())
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self.transport.close()

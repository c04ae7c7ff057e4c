"""The transport of a client: it closes without losing the answer, and finds out whether a silent client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LINGER_SECONDS = 0.5
"""To read, and throw away, what a client still sends after its answer. Closing at once could destroy the answer."""

START = b"HTTP/1.1 "
"""How every response starts."""

FIRST_PROBE_SECONDS, NEXT_PROBE_SECONDS = 1.0, 0.25


class ClientTransport(asyncio.Transport):
    """Passes everything on to the transport of a connection, except what closing and probing need.

    A client that closes its sending side may wait for its answer, or may have left: both look the same until something
    is sent. So a probe sends the start of the response one byte at a time. If the client has left, its machine refuses
    the bytes, and the connection is lost.

    Attributes:
        ended: the client has closed its sending side.
        unread: the client may still be sending, so closing takes `LINGER_SECONDS`.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._closing = False
        self._probed = 0  # bytes of START that were sent
        self.ended = self.unread = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        begun, self._probed = self._probed, 0
        self._transport.write(data[begun:])

    def close(self) -> None:
        if self._closing or self._transport.is_closing():
            return
        self._closing = True
        if self.ended or not self.unread:
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(LINGER_SECONDS, self._transport.close)

    def probe(self, is_waiting: Callable[[], bool]) -> None:
        """Find out whether the client is still there, as long as it waits for the first byte of its response."""
        seconds = FIRST_PROBE_SECONDS if self._probed == 0 else NEXT_PROBE_SECONDS * 2 ** (self._probed - 1)

        def send() -> None:
            if is_waiting() and not self.is_closing() and self._probed < len(START):
                self._transport.write(START[self._probed : self._probed + 1])
                self._probed += 1
                self.probe(is_waiting)

        self._loop.call_later(seconds, send)

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

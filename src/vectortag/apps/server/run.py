"""Run the service until it is told to stop; what it took is finished then."""

from __future__ import annotations

import signal
import socket

import uvicorn
from fastapi import FastAPI

from vectortag.apps.server.limits import Limits
from vectortag.apps.server.protocol import PatientProtocol
from vectortag.core.errors import ConfigError

KEEP_ALIVE = 30
"""Seconds that an idle connection is kept for its client's next request."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port; 0 is any that is free.

    Raises:
        ConfigError: it is taken, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"{host}, port {port}: cannot be listened on: {error.strerror or error}") from error


def make_server(app: FastAPI, limits: Limits) -> uvicorn.Server:
    """The server of an application, not started yet."""
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # clients that speak no HTTP are counted, not told of
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(2 * limits.seconds) + 1,
    )
    return uvicorn.Server(config)


def run(app: FastAPI, listener: socket.socket, limits: Limits) -> None:
    """Answer until SIGTERM or SIGINT. Then new connections are refused, and requests in hand are answered."""
    # uvicorn raises the signal again once it is done. That would end this process by it, and not with status 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    make_server(app, limits).run(sockets=[listener])

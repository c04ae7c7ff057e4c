"""Run the service until a signal stops it; requests that were accepted are answered first."""

from __future__ import annotations

import logging
import signal
import socket

import uvicorn
from fastapi import FastAPI

from vectortag.apps.server.limits import Limits
from vectortag.apps.server.protocol import PatientProtocol
from vectortag.core.errors import ConfigError

KEEP_ALIVE = 30
"""Seconds that an idle connection stays open for the client's next request."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 is any free port.

    Raises:
        ConfigError: the port is in use, or the host is not an address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"{host}, port {port}: cannot listen there: {error.strerror or error}") from error


def make_server(app: FastAPI, limits: Limits) -> uvicorn.Server:
    """The uvicorn server of an application, not started yet."""
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it logs what is wrong with a client's form
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # clients that do not speak HTTP are not worth a log line
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(2 * limits.seconds) + 1,
    )
    return uvicorn.Server(config)


def run(app: FastAPI, listener: socket.socket, limits: Limits) -> None:
    """Serve until SIGTERM or SIGINT. Then new connections are refused, and accepted requests are answered."""
    # uvicorn raises the signal again at its end, which would kill the process; with these handlers it exits with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    make_server(app, limits).run(sockets=[listener])

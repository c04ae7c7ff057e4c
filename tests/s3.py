"""An S3 server on loopback: moto's, behind a proxy that answers badly where a test asks it to."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
PATIENCE = 300
"""Seconds; only against waiting for ever."""
OF_A_CONNECTION = ("transfer-encoding", "content-length", "expect", "connection")
"""Headers that a proxy does not pass on."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def moto_server() -> Iterator[int]:
    """Yield the port of a server without any bucket."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean()) as server:
        try:
            for _ in range(10 * PATIENCE):
                assert server.poll() is None, "moto's server does not start"
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                    break
                time.sleep(0.1)
            with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as first:
                first.request("GET", "/")  # imports what S3 needs
                first.getresponse().read()
            yield port
        finally:
            server.terminate()


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | ENVIRONMENT


class Faults:
    """What the proxy does to objects, by the end of their paths.

    Attributes:
        failing: answers with status 500 that are still to come, by name; "" stands for every object, and "PUT name" for
            writing alone.
        cut: bodies that are still to be cut in half, by name.
        slow: names of objects that trickle.
        asked: requests, by name.
        written: what changed objects, in order: the method and the name.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.failing: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.slow: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.written: list[tuple[str, str]] = []

    def strikes(self, faults: Counter[str], name: str, method: str = "GET") -> bool:
        with self.lock:
            for key in (f"{method} {name}", name, ""):
                if faults[key] > 0:
                    faults[key] -= 1
                    return True
            return False


@contextlib.contextmanager
def faulty_proxy(port: int, faults: Faults) -> Iterator[int]:
    """Yield the port of a proxy before the server on `port`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            name = self.path.partition("?")[0].rsplit("/", 1)[-1]
            faults.asked[name] += 1
            sent = self._sent()
            if faults.strikes(faults.failing, name, self.command):
                self._answer(500, [], b"")
                return
            if self.command not in ("GET", "HEAD"):
                faults.written.append((self.command, name))
            server = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
            headers = {key: value for key, value in self.headers.items() if key.lower() not in OF_A_CONNECTION}
            server.request(self.command, self.path, sent or None, headers=headers)
            answer = server.getresponse()
            content = answer.read()
            given = [pair for pair in answer.getheaders() if pair[0].lower() not in ("transfer-encoding", "date")]
            if self.command == "GET" and faults.strikes(faults.cut, name):
                self._answer(answer.status, given, content[: len(content) // 2])
                self.close_connection = True
            else:
                self._answer(answer.status, given, content, slow=name in faults.slow)
            server.close()

        def _sent(self) -> bytes:
            """The body of a request."""
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pieces = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():  # the fields after the body
                pass
            return b"".join(pieces)

        def _answer(self, status: int, headers: list[Any], content: bytes, *, slow: bool = False) -> None:
            self.send_response(status)
            for key, value in headers:
                self.send_header(key, value)
            if not any(key.lower() == "content-length" for key, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            step = max(1, len(content) // 20) if slow else len(content) or 1
            for first in range(0, len(content), step):
                self.wfile.write(content[first : first + step])
                self.wfile.flush()
                time.sleep(0.02 if slow else 0)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy.server_address[1]
        finally:
            proxy.shutdown()


def upload(folder: Path, port: int, bucket: str) -> str:
    """The URL of a folder's files in a new bucket of the server on `port`, past any proxy."""
    from pyarrow.fs import LocalFileSystem, S3FileSystem, copy_files

    store = S3FileSystem(
        access_key="test",
        secret_key="test",
        region="us-east-1",
        scheme="http",
        endpoint_override=f"{HOST}:{port}",
        allow_bucket_creation=True,
        background_writes=False,
        request_timeout=PATIENCE,
        connect_timeout=PATIENCE,
    )
    store.create_dir(bucket)
    copy_files(str(folder), f"{bucket}/{folder.name}", LocalFileSystem(), store)
    return f"s3://{bucket}/{folder.name}"

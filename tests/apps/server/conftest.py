"""Services that really listen, each in a thread of the tests; and photos to send to them."""

from __future__ import annotations

import contextlib
import functools
import http.client
import importlib.util
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vectortag.model.registry import find_model_folder

EXAMPLES = Path(__file__).parents[3] / "examples/photos"


@dataclass(frozen=True)
class Reply:
    """An answer: its status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The word of a problem document."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return str(self.json["type"].removeprefix("urn:vectortag:"))


@dataclass(frozen=True)
class Running:
    """A service that listens on `port`."""

    service: Any
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, target: str, body: Any = None, /, **headers: str) -> Reply:
        """One request on a connection of its own; `content_type="image/png"` is a header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(self, target: str, photo: bytes, **headers: str) -> Reply:
        """A photo as the body."""
        return self.ask("POST", target, photo, **{"content_type": "image/jpeg", **headers})

    def form(self, target: str, *files: tuple[str, bytes], **headers: str) -> Reply:
        """Files as a form, each named by its field."""
        body, kind = form(*files)
        return self.ask("POST", target, body, content_type=kind, **headers)

    def open_form(self, *files: tuple[str, bytes]) -> tuple[bytes, str]:
        """A form's body and its media type."""
        return form(*files)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def read(self, connection: socket.socket) -> bytes:
        """All that comes until the service closes the connection, or one whole response with its body."""
        data = b""
        while True:
            head, found, body = data.partition(b"\r\n\r\n")
            if found and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0):
                return data
            chunk = connection.recv(65536)
            if not chunk:
                return data
            data += chunk

    def metric(self, name: str, key: str = "") -> float:
        """The value of a sample of /metrics, such as `vectortag_queue_photos`; 0 where there is none."""
        lines = self.ask("GET", "/metrics", authorization=f"Bearer {key}").body.decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def form(*files: tuple[str, bytes]) -> tuple[bytes, str]:
    """A form as a browser sends it, its fields named by the first of each pair, and its media type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="{place}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + content
        + b"\r\n"
        for place, (field, content) in enumerate(files)
    ]
    return b"".join([*parts, b"--edge--\r\n"]), "multipart/form-data; boundary=edge"


@contextmanager
def running(
    *, model: Path | None = None, access: Mapping[str, Any] | None = None, additions: bool = True, **limits: Any
) -> Iterator[Running]:
    if importlib.util.find_spec("uvicorn") is None:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop("the extra serve is not installed")
    from vectortag.apps.server.app import create_app
    from vectortag.apps.server.guard import Access
    from vectortag.apps.server.limits import Limits
    from vectortag.apps.server.model_worker import Loading
    from vectortag.apps.server.run import listen, make_server
    from vectortag.apps.server.service import Service

    chosen = Limits(**limits)
    service = Service([find_model_folder(model)], Loading(precision="exact", additions=additions), chosen)
    server = make_server(create_app(service, Access(**(access or {})), log_requests=True), chosen)
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield Running(service, port)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A service with its default limits, shared by the tests of a file: leave it as it was."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def start_for_file() -> Iterator[Callable[..., Running]]:
    """As `serve`, for all tests of a file."""
    with contextlib.ExitStack() as services:
        yield lambda **options: services.enter_context(running(**options))


@pytest.fixture(scope="module")
def small(start_for_file: Callable[..., Running], tiny_model: Path) -> Running:
    """A service with the tiny model and small limits, shared by the tests of a file."""
    return start_for_file(
        model=tiny_model, file_bytes=200_000, request_bytes=500_000, files=3, pixels=1_000_000, silence=0.3, seconds=3.0
    )


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """serve(files=2): start a service of the test's own, with some limits changed; access={...}: who may come in."""
    with contextlib.ExitStack() as services:
        yield lambda **options: services.enter_context(running(**options))


@pytest.fixture
def serve_tiny(serve: Callable[..., Running], tiny_model: Path) -> Callable[..., Running]:
    """As `serve`, with the tiny model, which starts in a moment: for tests that do not look at tags."""
    return functools.partial(serve, model=tiny_model)


@pytest.fixture(scope="session")
def photos() -> dict[str, bytes]:
    """The example photos by name."""
    return {file.name: file.read_bytes() for file in sorted(EXAMPLES.glob("*.jpg"))}


@pytest.fixture(scope="session")
def cat(photos: dict[str, bytes]) -> bytes:
    return photos["cat.jpg"]

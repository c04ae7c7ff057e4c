"""The client: light to import, typed, patient. What it asks for is answered by a real service in tests/apps/server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from vectortag.apps.client import Client, Tag
from vectortag.core.errors import ServiceError


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """answering((503, {"Retry-After": "0"}, b""), (200, {}, b"{}")): the address of a server that answers so."""
    servers = []

    def start(*answers: tuple[int, dict[str, str], bytes]) -> str:
        waiting = iter(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, body = next(waiting)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                if "X-Hang-Up" in headers:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


TAGGED = b'{"model": "m@1", "photos": [{"name": null, "implied": [], "tags": []}]}'
BUSY = b'{"type": "urn:vectortag:busy", "detail": "later"}'


def test_importing_it_imports_nothing_but_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import vectortag.apps.client; "
        "print(sorted({name.partition('.')[0] for name in sys.modules.keys() - before} - sys.stdlib_module_names))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "['vectortag']\n"


def test_guesses_are_apart_from_tags(answering):
    guessed = b'{"tag": "sea", "score": 0.4, "threshold": 0.6}'
    address = answering(
        (200, {}, TAGGED.replace(b'"tags": []', b'"tags": [], "guesses": [' + guessed + b"]")), (200, {}, TAGGED)
    )

    with Client(address) as client:
        photo, without = client.tag(b"photo"), client.tag(b"photo")

    assert photo.tags == without.tags == without.guesses == ()
    assert photo.guesses == (Tag("sea", 0.4, 0.6),)


def test_it_waits_where_the_service_is_busy(answering):
    address = answering((503, {"Retry-After": "0"}, BUSY), (503, {"Retry-After": "0"}, BUSY), (200, {}, TAGGED))

    with Client(address) as client:
        assert client.tag(b"photo").model == "m@1"


def test_it_does_not_wait_for_ever(answering):
    address = answering(*[(503, {"Retry-After": "0"}, BUSY)] * 2)

    with Client(address, retries=1) as client, pytest.raises(ServiceError, match="later") as caught:
        client.tag(b"photo")

    assert (caught.value.status, caught.value.kind) == (503, "busy")


def test_a_connection_that_was_closed_meanwhile_is_opened_again(answering):
    address = answering((200, {"X-Hang-Up": "1"}, TAGGED), (200, {}, TAGGED))

    with Client(address) as client:
        assert client.tag(b"photo") == client.tag(b"photo")


def test_an_answer_of_something_else_is_an_error(answering):
    with (
        Client(answering((502, {}, b"<html>"))) as client,
        pytest.raises(ServiceError, match="502 Bad Gateway") as caught,
    ):
        client.tag(b"photo")

    assert (caught.value.status, caught.value.kind) == (502, "")


def test_nobody_there():
    with Client("http://127.0.0.1:9") as client:
        assert not client.ready()
        with pytest.raises(ServiceError, match=r"http://127.0.0.1:9: cannot be reached") as caught:
            client.models()

    assert caught.value.status is None


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://here", ""])
def test_an_address_that_is_none(address):
    with pytest.raises(ServiceError, match="expected an address"):
        Client(address)

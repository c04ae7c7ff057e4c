"""HTTP connections: limits of heads and of waiting, and bad clients that must not stop the others."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest


def send_until_closed(connection: socket.socket) -> None:
    for _ in range(600):
        connection.send(b"x")
        time.sleep(0.05)


class TestLimits:
    def test_a_head(self, small):
        with small.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nx-long: " + b"x" * 400_000)

            assert small.read(connection).startswith(b"HTTP/1.1 431 ")

    @pytest.mark.parametrize("path", [b"/v1/models", b"/healthz"])
    @pytest.mark.parametrize(("size", "status"), [(65_536, b"200"), (65_537, b"431"), (100_000, b"431")])
    def test_a_head_of_a_given_size(self, small, path, size, status):
        """Refused whole: one answer, whatever comes behind it in the same packet."""
        head = b"GET %s HTTP/1.1\r\nhost: x\r\ncontent-length: 150000\r\nx-long: " % path
        head += b"x" * (size - len(head) - 4) + b"\r\n\r\n"
        with small.connect() as connection:
            connection.sendall(head + b"x" * 150_000)
            connection.shutdown(socket.SHUT_WR)
            answers = b""
            while more := connection.recv(65536):
                answers += more

        assert len(head) == size
        assert answers.startswith(b"HTTP/1.1 " + status)
        assert answers.count(b"HTTP/1.1 ") == 1

    def test_a_head_behind_another_request(self, small, cat):
        first = HEAD % len(cat) + cat
        with small.connect() as connection:
            connection.sendall(first + b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: " + b"x" * 100_000 + b"\r\n\r\n")
            answers = b""
            while more := connection.recv(65536):
                answers += more

        assert answers.startswith(b"HTTP/1.1 200 ")
        assert answers.count(b"HTTP/1.1 ") == 1

    def test_trailers(self, small):
        with small.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.sendall(head + b"1\r\nx\r\n0\r\nx-long: ")
            connection.sendall(b"x" * 400_000)

            assert small.read(connection).startswith(b"HTTP/1.1 431 ")

    def test_trailers_are_no_headers(self, small, cat):
        head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\n"
        trailers = b"host: evil.example\r\ncontent-encoding: gzip\r\norigin: http://evil.example\r\n"
        with small.connect() as connection:
            connection.sendall(head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(cat), cat, trailers))

            assert small.read(connection).startswith(b"HTTP/1.1 200 ")

    def test_what_is_no_http(self, small):
        with small.connect() as connection:
            connection.sendall(b"hello?\r\n\r\n")

            reply = small.read(connection)

        assert reply.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in reply

    def test_a_client_that_never_ends_its_head(self, small, monkeypatch):
        monkeypatch.setattr("vectortag.apps.server.protocol.HEAD_SECONDS", 0.2)
        with small.connect() as nothing, small.connect() as half:
            half.sendall(b"GET /healthz HTTP/1.1\r\n")

            assert nothing.recv(100) == b""
            assert half.recv(100) == b""

    def test_a_client_that_does_not_read(self, small, monkeypatch):
        monkeypatch.setattr("vectortag.apps.server.protocol.UNREAD_SECONDS", 0.2)
        with small.connect() as connection:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
            with pytest.raises(ConnectionError):
                send_until_closed(connection)

    def test_connections(self, serve_tiny, monkeypatch):
        started = serve_tiny()
        monkeypatch.setattr("vectortag.apps.server.protocol.PatientProtocol.most_connections", 2)
        with started.connect() as first, started.connect(), started.connect() as third:
            assert started.read(third).startswith(b"HTTP/1.1 503 ")
            first.close()
            while started.ask("GET", "/healthz").status != 200:  # until the service has seen that it is gone
                time.sleep(0.01)


HEAD = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: %d\r\n\r\n"


def say_nothing(connection: socket.socket, cat: bytes) -> None:
    pass


def stop_in_the_head(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(HEAD[:30])


def stop_in_the_body(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(HEAD % len(cat) + cat[:1000])


def half_close_in_the_body(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(HEAD % len(cat) + cat[:1000])
    connection.shutdown(socket.SHUT_WR)


def half_close_after_the_body(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(HEAD % len(cat) + cat)
    connection.shutdown(socket.SHUT_WR)


def reset_after_the_body(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(HEAD % len(cat) + cat)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def send_noise(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(b"\x16\x03\x01" + cat[:500])


def ask_and_never_read(connection: socket.socket, cat: bytes) -> None:
    connection.sendall(b"GET /v1/models/lite2 HTTP/1.1\r\nhost: x\r\n\r\n" * 50)


BAD = (
    say_nothing,
    stop_in_the_head,
    stop_in_the_body,
    half_close_in_the_body,
    half_close_after_the_body,
    reset_after_the_body,
    send_noise,
    ask_and_never_read,
)


def test_200_bad_clients_do_not_stop_good_ones(serve, photos, cat):
    started = serve()
    with contextlib.ExitStack() as open_connections:
        for place in range(200):
            connection = open_connections.enter_context(started.connect())
            BAD[place % len(BAD)](connection, cat)

        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda photo: started.post("/v1/tag", photo), [*photos.values()] * 3))

        assert [reply.status for reply in replies] == [200] * 39
        assert started.ask("GET", "/readyz").status == 200
    assert "cat" in {tag["tag"] for tag in started.post("/v1/tag", cat).json["photos"][0]["tags"]}


def test_what_bad_clients_took_is_given_back(serve, cat):
    started = serve(silence=0.5)
    with contextlib.ExitStack() as open_connections:
        for place in range(40):
            BAD[place % len(BAD)](open_connections.enter_context(started.connect()), cat)
        while started.metric("vectortag_requests_total"
                             '{method="POST",route="/v1/tag",status="408"}') < 5:  # fmt: skip
            pass

    started.post("/v1/tag", cat)
    while started.metric("vectortag_queue_photos") or started.metric("vectortag_queue_bytes"):
        pass

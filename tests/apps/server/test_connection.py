"""How connections end, and offers to change the protocol: the client's answer is never lost, nobody reads for ever."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

OFFERS = {
    "h2c": b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n",
    "websocket": b"connection: keep-alive, upgrade\r\nupgrade: websocket\r\n",
    "two": b"upgrade: h2c, TLS/1.0\r\nconnection: upgrade\r\nconnection: http2-settings\r\n",
}


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 5000] for at in range(0, len(body), 5000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post(body: bytes, *, kind: str = "image/jpeg", offer: bytes = b"", in_chunks: bool = False) -> bytes:
    length = b"transfer-encoding: chunked" if in_chunks else b"content-length: %d" % len(body)
    head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: %s\r\n%s%s\r\n\r\n" % (kind.encode(), offer, length)
    return head + (chunked(body) if in_chunks else body)


class TestOffersToUpgrade:
    @pytest.mark.parametrize("offer", OFFERS)
    @pytest.mark.parametrize("in_chunks", [False, True])
    @pytest.mark.parametrize("as_form", [False, True])
    def test_the_offer_is_ignored_and_the_body_kept(self, small, cat, offer, in_chunks, as_form):
        body, kind = small.open_form(("photos", cat)) if as_form else (cat, "image/jpeg")
        with small.connect() as connection:
            connection.sendall(post(body, kind=kind, offer=OFFERS[offer], in_chunks=in_chunks))
            reply = small.read(connection)
            assert reply.startswith(b"HTTP/1.1 200 "), reply

            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")  # the connection goes on
            assert small.read(connection).startswith(b"HTTP/1.1 200 ")

    def test_requests_behind_an_offer_are_answered(self, small, cat):
        with small.connect() as connection:
            connection.sendall(post(cat, offer=OFFERS["h2c"]) * 3)
            for _ in range(3):
                assert read_one(connection).startswith(b"HTTP/1.1 200 ")

    def test_a_body_that_comes_later(self, small, cat):
        request = post(cat, offer=OFFERS["h2c"])
        with small.connect() as connection:
            for piece in (request[:50], request[50:1000], request[1000:]):
                connection.sendall(piece)
                time.sleep(0.05)

            assert small.read(connection).startswith(b"HTTP/1.1 200 ")

    def test_curl(self, small, tmp_path, cat, need):
        need(shutil.which("curl"), "curl")
        (tmp_path / "cat.jpg").write_bytes(cat)
        url = f"{small.address}/v1/tag"
        for body in (["--data-binary", "@cat.jpg"], ["-F", "photos=@cat.jpg"]):
            command = ["curl", "-sS", "--http2", "-o", "answer", "-w", "%{http_code}", *body, url]
            outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert outcome.stdout == "200", outcome

    def test_a_proxy_is_refused(self, small):
        with small.connect() as connection:
            connection.sendall(b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: 127.0.0.1:80\r\n\r\n")
            assert small.read(connection).startswith(b"HTTP/1.1 400 ")


def read_one(connection: socket.socket) -> bytes:
    """One response, and not a byte of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte
        head += byte
    left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while left:
        left -= len(connection.recv(left))
    return head


class TestHalfClosing:
    def test_a_client_that_sends_no_more_gets_its_answer(self, small, cat):
        for request in (post(cat), post(cat, in_chunks=True), b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"):
            with small.connect() as connection:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)

                assert small.read(connection).startswith(b"HTTP/1.1 200 ")
                assert connection.recv(1) == b""

    def test_all_its_answers(self, small):
        with small.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
            connection.shutdown(socket.SHUT_WR)
            answers = b""
            while more := connection.recv(65536):
                answers += more

        assert answers.count(b"HTTP/1.1 200 ") == 3

    def test_however_long_the_answer_takes(self, serve_tiny, cat, monkeypatch):
        monkeypatch.setattr("vectortag.apps.server.connection.FIRST_PROBE_SECONDS", 0.02)
        monkeypatch.setattr("vectortag.apps.server.connection.NEXT_PROBE_SECONDS", 0.001)
        started = serve_tiny()
        held = hold(started)
        with started.connect() as connection:
            connection.sendall(post(cat))
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.6)  # all nine bytes of the probe
            held.set()

            assert started.read(connection).startswith(b"HTTP/1.1 200 OK\r\n")

    def test_half_a_body_is_refused_at_once(self, small, cat):
        with small.connect() as connection:
            connection.sendall(post(cat)[:-1])
            connection.shutdown(socket.SHUT_WR)

            reply = small.read(connection)

        assert reply.startswith(b"HTTP/1.1 400 ")
        assert b"The body ended too early" in reply


def hold(started) -> threading.Event:
    """Keep photos waiting until the event is set."""
    event = threading.Event()
    started.service.default._batcher.between(lambda: event.wait(20))
    return event


def leave(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class TestLeaving:
    @pytest.mark.parametrize("how", [leave, reset])
    def test_photos_of_clients_that_left_leave_the_queue(self, serve_tiny, cat, how):
        started = serve_tiny()
        held = hold(started)
        try:
            clients = [started.connect() for _ in range(5)]
            for connection in clients:
                connection.sendall(post(cat))
            wait_until(lambda: started.metric("vectortag_queue_photos") == 5)
            for connection in clients:
                how(connection)

            wait_until(lambda: started.metric("vectortag_queue_photos") == 0)
        finally:
            held.set()
        assert started.post("/v1/tag", cat).status == 200
        assert started.metric("vectortag_batch_size_sum") == 1  # none of the five was computed

    def test_a_heat_map_too(self, serve_tiny, cat):
        started = serve_tiny()
        event = threading.Event()
        started.service.default._aside.submit(event.wait, 20)
        try:
            with started.connect() as connection:
                connection.sendall(post(cat).replace(b"/v1/tag", b"/v1/explain?form=array"))
                wait_until(lambda: started.metric("vectortag_queue_photos") == 1)
                reset(connection)
            wait_until(lambda: started.metric("vectortag_queue_photos") == 0)
        finally:
            event.set()


def wait_until(condition) -> None:
    end = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestRefusedBodies:
    """A body that is not wanted is not read to its end; its sender still gets the answer."""

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 999999999", b"413"),
            (b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked", b"413"),
            (b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 999999999", b"415"),
            (b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999", b"404"),
            (b"GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999", b"200"),
        ],
    )
    def test_reading_stops_within_a_second(self, small, head, status):
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if b"chunked" in head else b"x" * 65536
        with small.connect() as connection:
            connection.sendall(head + b"\r\n\r\n")
            sender = threading.Thread(target=send_for, args=(connection, piece, 5))
            sender.start()
            answer = small.read(connection)
            answered = time.monotonic()
            sender.join()

        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in answer.lower()
        assert time.monotonic() - answered < 1.5  # 1 s, and half a second for a busy machine

    def test_a_whole_request_that_is_refused_keeps_its_connection(self, small):
        with small.connect() as connection:
            for _ in range(2):
                connection.sendall(post(b"no photo"))
                answer = small.read(connection)
                assert answer.startswith(b"HTTP/1.1 422 ")
                assert b"connection: close" not in answer.lower()


def send_for(connection: socket.socket, piece: bytes, seconds: float) -> None:
    """Send until the service stops reading, or the time is over."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            connection.sendall(piece)
    except OSError:
        pass

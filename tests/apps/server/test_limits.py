"""What is refused, how, and that it is refused while it is being read."""

from __future__ import annotations

import io
import logging
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

MIB = 2**20


@pytest.fixture(scope="module")
def small(request):
    """A service with small limits."""
    serving = request.getfixturevalue("start_for_file")
    return serving(file_bytes=200_000, request_bytes=500_000, files=3, pixels=1_000_000, silence=0.3, seconds=3.0)


def read_reply(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, or a whole answer with its body."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0):
            return data
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk


def send_until_closed(connection: socket.socket) -> None:
    for _ in range(600):
        connection.send(b"x")
        time.sleep(0.05)


class TestSizes:
    def test_a_photo(self, small):
        reply = small.post("/v1/tag", b"x" * 200_001)

        assert (reply.status, reply.kind) == (413, "too-large")
        assert "200,000 bytes" in reply.json["detail"]

    def test_a_photo_in_a_form(self, small, cat):
        reply = small.form("/v1/tag", ("photos", b"x" * 200_001))

        assert (reply.status, reply.kind) == (413, "too-large")

    def test_a_request(self, small):
        reply = small.form("/v1/tag", *[("photos", b"x" * 180_000)] * 3)

        assert (reply.status, reply.kind) == (413, "too-large")
        assert "500,000 bytes" in reply.json["detail"]

    def test_files(self, small, cat):
        assert small.form("/v1/tag", *[("photos", cat)] * 3).status == 200

        reply = small.form("/v1/tag", *[("photos", cat)] * 4)

        assert (reply.status, reply.kind) == (413, "too-large")
        assert "more than 3 photos" in reply.json["detail"]

    def test_pixels_are_counted_before_they_are_decoded(self, small):
        file = io.BytesIO()
        Image.new("1", (1001, 1000)).save(file, "PNG")

        reply = small.post("/v1/tag", file.getvalue())

        assert (reply.status, reply.kind) == (422, "unreadable-photo")
        assert "more than the limit of 1,000,000" in reply.json["detail"]

    @pytest.mark.parametrize("head", [b"content-length: 1000000\r\n", b"transfer-encoding: chunked\r\n"])
    def test_too_much_is_refused_before_it_has_come(self, small, head):
        with small.connect() as connection:
            connection.sendall(b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\n" + head + b"\r\n")
            if b"chunked" in head:  # a body without an end
                connection.sendall(b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(4)))

            assert read_reply(connection).startswith(b"HTTP/1.1 413 ")

    def test_a_head(self, small):
        with small.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nx-long: " + b"x" * 400_000)

            assert read_reply(connection).startswith(b"HTTP/1.1 431 ")

    def test_trailers(self, small):
        with small.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.sendall(head + b"1\r\nx\r\n0\r\nx-long: ")
            connection.sendall(b"x" * 400_000)

            assert read_reply(connection).startswith(b"HTTP/1.1 431 ")


class TestForms:
    @pytest.mark.parametrize(
        ("body", "content_type", "kind"),
        [
            (b"", "image/jpeg", "no-photo"),
            (b"x", "text/plain", "unsupported-media-type"),
            (b"x", "", "unsupported-media-type"),
            (b"x", "multipart/form-data", "broken-form"),
            (b"x", "multipart/form-data; boundary=edge", "broken-form"),
            (b"--edge\r\n\r\nno end", "multipart/form-data; boundary=edge", "broken-form"),
            (b"--edge--\r\n", "multipart/form-data; boundary=edge", "no-photo"),
            (b"x", "multipart/form-data; boundary=" + 300 * "x", "broken-form"),
        ],
    )
    def test_what_is_no_photo_and_no_form(self, small, body, content_type, kind):
        reply = small.ask("POST", "/v1/tag", body, content_type=content_type)

        assert reply.kind == kind
        assert reply.status == (415 if kind == "unsupported-media-type" else 400)

    def test_a_field_that_is_not_known(self, small, cat):
        reply = small.form("/v1/tag", ("photos", cat), ("url", b"http://127.0.0.1/photo.jpg"))

        assert (reply.status, reply.kind) == (400, "unknown-field")

    def test_a_compressed_body(self, small, cat):
        assert small.post("/v1/tag", cat, content_encoding="gzip").kind == "unsupported-media-type"

    def test_what_is_no_http(self, small):
        with small.connect() as connection:
            connection.sendall(b"hello?\r\n\r\n")

            reply = read_reply(connection)

        assert reply.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in reply

    def test_paths_and_methods_that_are_not_there(self, small):
        assert small.ask("GET", "/v2/tag").kind == "not-found"
        reply = small.ask("GET", "/v1/tag")
        assert (reply.status, reply.kind, reply.headers["allow"]) == (405, "method-not-allowed", "POST")


class TestTimes:
    def test_a_client_that_falls_silent(self, small):
        with small.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n\r\n"
            connection.sendall(head + b"x")

            reply = read_reply(connection)

        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"0.3 s of silence" in reply

    def test_a_client_that_trickles(self, serve):
        started = serve(seconds=0.5, silence=0.4)
        with started.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n\r\n"
            connection.sendall(head)
            stop = threading.Event()
            trickle = threading.Thread(target=lambda: [connection.send(b"x") for _ in range(50) if not stop.wait(0.1)])
            trickle.start()
            reply = read_reply(connection)
            stop.set()
            trickle.join()

        assert reply.startswith(b"HTTP/1.1 408 ")

    def test_a_client_that_never_ends_its_head(self, small, monkeypatch):
        monkeypatch.setattr("vectortag.apps.server.protocol.HEAD_SECONDS", 0.2)
        with small.connect() as nothing, small.connect() as half:
            half.sendall(b"GET /healthz HTTP/1.1\r\n")

            assert nothing.recv(100) == b""
            assert half.recv(100) == b""

    def test_a_client_that_does_not_read(self, small, monkeypatch):
        monkeypatch.setattr("vectortag.apps.server.protocol.UNREAD_SECONDS", 0.2)
        with small.connect() as connection:
            connection.sendall(b"GET /v1/models/lite2 HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
            with pytest.raises(ConnectionError):
                send_until_closed(connection)

    def test_an_answer_that_takes_too_long(self, serve, cat):
        started = serve(seconds=0.2)
        held = threading.Event()
        started.service.default._batcher.between(lambda: held.wait(20))
        try:
            reply = started.post("/v1/tag", cat)
        finally:
            held.set()

        assert (reply.status, reply.kind, reply.headers["retry-after"]) == (503, "timeout", "5")
        assert started.post("/v1/tag", cat).status == 200


class TestQueue:
    def test_a_full_queue_refuses_and_recovers(self, serve, cat):
        started = serve(queue=3)
        held = threading.Event()
        started.service.default._batcher.between(lambda: held.wait(20))
        with ThreadPoolExecutor(3) as pool:
            accepted = [pool.submit(started.post, "/v1/tag", cat) for _ in range(3)]
            while started.service.admission.photos < 3:
                assert not any(reply.done() for reply in accepted)
            refused = started.post("/v1/tag", cat)
            ready = started.ask("GET", "/readyz")
            held.set()
            assert [reply.result().status for reply in accepted] == [200] * 3

        assert (refused.status, refused.kind, refused.headers["retry-after"]) == (503, "busy", "1")
        assert ready.kind == "not-ready"
        assert started.post("/v1/tag", cat).status == 200
        assert started.service.admission.photos == started.service.admission.bytes == 0

    def test_a_form_that_does_not_fit_gives_back_what_it_took(self, serve, cat):
        started = serve(queue=2)

        assert started.form("/v1/tag", *[("photos", cat)] * 3).kind == "busy"
        assert started.service.admission.photos == 0
        assert started.form("/v1/tag", *[("photos", cat)] * 2).status == 200

    def test_bytes_in_hand(self, serve, cat):
        started = serve(memory=len(cat) + 10)

        assert started.post("/v1/tag", cat).status == 200
        assert started.post("/v1/tag", cat + b"x" * 11).kind == "busy"
        assert started.service.admission.bytes == 0

    def test_connections(self, serve, monkeypatch):
        started = serve()
        monkeypatch.setattr("vectortag.apps.server.protocol.PatientProtocol.most_connections", 2)
        with started.connect() as first, started.connect(), started.connect() as third:
            assert read_reply(third).startswith(b"HTTP/1.1 503 ")
            first.close()
            while started.ask("GET", "/healthz").status != 200:  # until the service has seen that it is gone
                time.sleep(0.01)


class TestNothingIsKept:
    opened: list[str] | None = None

    def test_no_photo_is_written_to_disk_or_logged(self, serve, cat, caplog):
        started = serve()
        started.form("/v1/tag", ("photos", cat))  # whatever is loaded late is loaded now
        caplog.set_level(logging.DEBUG)
        sys.addaudithook(self.note)
        TestNothingIsKept.opened = []
        try:
            big = cat + b"\0" * (8 * MIB)
            assert started.form("/v1/tag", ("photos", big), ("photos", b"what?")).status == 200
            assert started.post("/v1/tag", big).status == 200
            assert started.form("/v1/secret-album.jpg", ("photos", cat)).status == 404
        finally:
            opened, TestNothingIsKept.opened = TestNothingIsKept.opened, None

        assert opened == []
        assert "POST /v1/tag 200" in caplog.text
        for secret in ("0.jpg", "secret-album", "what?"):
            assert secret not in caplog.text

    @staticmethod
    def note(event: str, arguments: tuple) -> None:
        if event in {"open", "os.mkdir", "tempfile.mkstemp"} and TestNothingIsKept.opened is not None:
            TestNothingIsKept.opened.append(f"{event} {arguments[0]}")

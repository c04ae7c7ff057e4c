"""Reading a request: what is refused, and that it is refused while the bytes arrive."""

from __future__ import annotations

import io
import logging
import sys
import threading
import tracemalloc

import pytest
from PIL import Image

MIB = 2**20


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

    def test_a_form_takes_no_more_memory_if_it_is_parsed_in_small_pieces(self, need_module):
        """A part full of line ends is handed over two bytes at a time."""
        need_module("fastapi")
        from vectortag.apps.server.admission import Admission
        from vectortag.apps.server.limits import Limits
        from vectortag.apps.server.request_body import _Form

        limits = Limits()
        with Admission(limits).ticket() as ticket:
            form = _Form(limits, ticket, {"photos"})
            tracemalloc.start()
            try:
                for _ in range(50_000):
                    form.on_part_data(b"\r\n-", 0, 2)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

        assert bytes(form._content) == b"\r\n" * 50_000
        assert peak < 500_000

    @pytest.mark.parametrize("head", [b"content-length: 1000000\r\n", b"transfer-encoding: chunked\r\n"])
    def test_too_much_is_refused_before_it_has_come(self, small, head):
        with small.connect() as connection:
            connection.sendall(b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\n" + head + b"\r\n")
            if b"chunked" in head:  # a body without an end
                connection.sendall(b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(4)))

            assert small.read(connection).startswith(b"HTTP/1.1 413 ")


class TestForms:
    @pytest.mark.parametrize(
        ("body", "content_type", "kind"),
        [
            (b"", "image/jpeg", "no-photo"),
            (b"x", "text/plain", "unsupported-media-type"),
            (b"{}", "application/json", "unsupported-media-type"),
            (b"x", "multipart/mixed; boundary=edge", "unsupported-media-type"),
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

    @pytest.mark.parametrize(
        "preamble", [b"\r\n", b"This is a form.\r\n", b"--edges\r\n--edg\r\n", b"x" * 100_000 + b"\r\n"]
    )
    @pytest.mark.parametrize("padding", [b"", b" \t "])
    def test_a_preamble_and_padding_are_legal(self, small, cat, preamble, padding):
        body, kind = small.open_form(("photos", cat))
        body = preamble + body.replace(b"--edge", b"--edge" + padding, 1)

        reply = small.ask("POST", "/v1/tag", body, content_type=kind)

        assert (reply.status, len(reply.json["photos"])) == (200, 1)

    def test_a_preamble_that_comes_in_pieces(self, small, cat):
        body, kind = small.open_form(("photos", cat))
        body = b"one\r\ntwo\r\n" + body

        reply = small.ask("POST", "/v1/tag", (body[at : at + 7] for at in range(0, len(body), 7)), content_type=kind)

        assert reply.status == 200

    def test_a_field_that_is_not_known(self, small, cat):
        reply = small.form("/v1/tag", ("photos", cat), ("url", b"http://127.0.0.1/photo.jpg"))

        assert (reply.status, reply.kind) == (400, "unknown-field")

    def test_a_compressed_body(self, small, cat):
        assert small.post("/v1/tag", cat, content_encoding="gzip").kind == "unsupported-media-type"

    def test_paths_and_methods_that_are_not_there(self, small):
        assert small.ask("GET", "/v2/tag").kind == "not-found"
        reply = small.ask("GET", "/v1/tag")
        assert (reply.status, reply.kind, reply.headers["allow"]) == (405, "method-not-allowed", "POST")


class TestMediaTypes:
    """What a body is, its bytes say."""

    @pytest.mark.parametrize(
        "kind",
        [
            "image/jpg",
            "image/pjpeg",
            "image/x-citrix-jpeg",
            "IMAGE/JPEG; q=1",
            "image/png",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "",
            None,
        ],
    )
    def test_a_photo(self, small, cat, kind):
        reply = small.ask("POST", "/v1/tag", cat, **({} if kind is None else {"content_type": kind}))

        assert reply.status == 200, reply.body

    def test_no_photo(self, small):
        assert small.ask("POST", "/v1/tag", b"url=http://127.0.0.1/").kind == "unreadable-photo"


class TestTimes:
    def test_a_client_that_falls_silent(self, small):
        with small.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n\r\n"
            connection.sendall(head + b"x")

            reply = small.read(connection)

        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"0.3 s of silence" in reply

    def test_a_client_that_trickles(self, serve_tiny):
        started = serve_tiny(seconds=0.5, silence=0.4)
        with started.connect() as connection:
            head = b"POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n\r\n"
            connection.sendall(head)
            stop = threading.Event()
            trickle = threading.Thread(target=lambda: [connection.send(b"x") for _ in range(50) if not stop.wait(0.1)])
            trickle.start()
            reply = started.read(connection)
            stop.set()
            trickle.join()

        assert reply.startswith(b"HTTP/1.1 408 ")

    def test_an_answer_that_takes_too_long(self, serve_tiny, cat):
        started = serve_tiny(seconds=0.2)
        held = threading.Event()
        started.service.default._batcher.between(lambda: held.wait(20))
        try:
            reply = started.post("/v1/tag", cat)
        finally:
            held.set()

        assert (reply.status, reply.kind, reply.headers["retry-after"]) == (503, "timeout", "5")
        assert started.post("/v1/tag", cat).status == 200


class TestNothingIsKept:
    opened: list[str] | None = None

    def test_no_photo_is_written_to_disk_or_logged(self, serve_tiny, cat, caplog):
        started = serve_tiny()
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

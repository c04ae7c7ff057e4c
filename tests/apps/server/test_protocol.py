"""Clients that are slow, broken or gone do not stop the others."""

from __future__ import annotations

import contextlib
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

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

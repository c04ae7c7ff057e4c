"""What is admitted: the limits of all requests together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pictures import empty_gif, encode, png
from PIL import Image

from vectortag.apps.server.limits import Limits


class TestAdmission:
    @pytest.fixture
    def admission(self, need_module):
        """Room for two photos and 100 bytes."""
        return need_module("vectortag.apps.server.admission").Admission(Limits(queue=2, memory=100))

    def test_the_last_photo_fits_and_the_next_does_not(self, admission):
        with admission.ticket() as ticket:
            ticket.add_photo()
            ticket.add_photo()

            assert admission.full
            with pytest.raises(Exception, match="busy") as caught:
                ticket.add_photo()
            with pytest.raises(Exception, match="busy"):
                admission.ticket()
        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
        assert not admission.full

    def test_bytes_count_for_all_requests_together(self, admission):
        with admission.ticket() as one, admission.ticket() as other:
            one.add_bytes(60)
            with pytest.raises(Exception, match="busy"):
                other.add_bytes(41)
            other.add_bytes(40)

            assert admission.bytes == 100
        assert admission.bytes == 0

    def test_a_request_that_fails_releases_what_it_had(self, admission):
        def fail() -> None:
            with admission.ticket() as ticket:
                ticket.add_photo()
                ticket.add_bytes(50)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (admission.photos, admission.bytes) == (0, 0)


class TestQueue:
    def test_a_full_queue_refuses_and_recovers(self, serve_tiny, cat):
        started = serve_tiny(queue=3)
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

    def test_a_form_that_does_not_fit_gives_back_what_it_took(self, serve_tiny, cat):
        started = serve_tiny(queue=2)

        assert started.form("/v1/tag", *[("photos", cat)] * 3).kind == "busy"
        assert started.service.admission.photos == 0
        assert started.form("/v1/tag", *[("photos", cat)] * 2).status == 200

    def test_bytes_in_hand(self, serve_tiny, cat):
        started = serve_tiny(memory=len(cat) + 10)

        assert started.post("/v1/tag", cat).status == 200
        assert started.post("/v1/tag", cat + b"x" * 11).kind == "busy"
        assert started.service.admission.bytes == 0


class TestDecoding:
    """The memory for decoding is part of `memory`."""

    def test_what_is_being_decoded_counts_with_the_bytes(self, need_module):
        admission = need_module("vectortag.apps.server.admission").Admission(Limits(memory=100))
        with admission.ticket() as ticket, admission.decoding.reserve(70):
            ticket.add_bytes(30)
            with pytest.raises(Exception, match="busy"):
                ticket.add_bytes(1)
        assert (admission.bytes, admission.decoding.used) == (0, 0)

    def test_a_photo_that_needs_more_than_all_of_it_is_refused(self, serve_tiny):
        started = serve_tiny(memory=64 * 2**20)

        refused = started.post("/v1/tag", png(6000, 3000, colour=6))

        assert (refused.status, refused.kind) == (422, "unreadable-photo")
        assert (
            "6000 x 3000 pixels (PNG, RGBA) take 144 MB of memory, more than the limit of 67 MB"
            in refused.json["detail"]
        )

    def test_bombs_do_not_hold_up_others(self, serve_tiny, cat):
        started = serve_tiny()
        bombs = [png(1, 100_000_000), png(10_000, 10_000, colour=6), empty_gif(9_999, 9_999), png(100_000_000, 1)]

        with ThreadPoolExecutor(5) as pool:
            refused = [pool.submit(started.post, "/v1/tag", bomb) for bomb in bombs * 4]
            answers = [started.post("/v1/tag", cat).status for _ in range(5)]

        assert answers == [200] * 5
        assert {reply.result().status for reply in refused} == {422}

    def test_large_photos_are_decoded_one_after_the_other(self, serve_tiny):
        started = serve_tiny(memory=64 * 2**20)
        photo = encode(Image.new("RGB", (3000, 3000)), "PNG")  # 36 MB each

        reply = started.form("/v1/tag", *[("photos", photo)] * 6)

        assert reply.status == 200
        assert all("tags" in result for result in reply.json["photos"])
        assert started.service.admission.decoding.used == 0

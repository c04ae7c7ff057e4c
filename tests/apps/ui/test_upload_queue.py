"""Dropped photos are taken one by one; one that is bad, and those that are too many, are told."""

from __future__ import annotations

import pytest

from vectortag.apps.ui import session_photos
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.apps.ui.upload_queue import UploadQueue


def take_all(queue: UploadQueue, session: SessionPhotos, model) -> None:
    while queue.left(session, model):
        queue.take(session, model)


class TestUploadQueue:
    def test_after_one_step_the_first_photo_has_its_tags_and_the_others_wait(self, model, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(3))

        queue.take(session, model)

        assert [photo.name for photo in session.photos.values()] == ["0.png"]
        assert session.is_analysed(session.photo, model)
        assert (queue.done, queue.left(session, model)) == (1, 2)

    def test_of_photos_that_are_dropped_together_the_first_good_one_is_opened(self, model, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put([("old.png", content(9))])
        take_all(queue, session, model)

        queue.put([("bad.png", b""), *((f"{number}.png", content(number)) for number in range(2))])
        take_all(queue, session, model)

        assert session.photo.name == "0.png"

    def test_a_bad_photo_is_named_and_the_others_go_on(self, model, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put([("bad.png", b"no photo"), ("good.png", content())])

        take_all(queue, session, model)

        assert [photo.name for photo in session.photos.values()] == ["good.png"]
        assert [problem.partition(":")[0] for problem in queue.problems] == ["bad.png"]

    @pytest.mark.parametrize(
        ("dropped", "line"),
        [(3, "2.png was left out"), (4, "2.png and one more photo were left out"), (9, "2.png and 6 more photos were")],
    )
    def test_photos_over_the_limit_are_told_in_one_line(self, model, content, monkeypatch, dropped, line):
        monkeypatch.setattr(session_photos, "MOST_PHOTOS", 2)
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(dropped))

        take_all(queue, session, model)

        assert len(session.photos) == 2
        assert len(queue.problems) == 1
        assert queue.problems[0].startswith(line)

    def test_a_photo_that_is_there_already_is_no_photo_too_many(self, model, content, monkeypatch):
        monkeypatch.setattr(session_photos, "MOST_PHOTOS", 1)
        queue, session = UploadQueue(), SessionPhotos()
        queue.put([("a.png", content()), ("copy.png", content())])

        take_all(queue, session, model)

        assert queue.problems == []

    def test_cancelling_keeps_the_photos_that_were_taken(self, model, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(3))
        queue.take(session, model)

        queue.cancel()

        assert queue.left(session, model) == 0
        assert len(session.photos) == 1

    def test_another_model_has_all_photos_to_look_at(self, model, content, passes):
        queue, session = UploadQueue(), SessionPhotos()
        for number in range(2):
            session.add(f"{number}.png", content(number))

        assert queue.left(session, model) == 2
        take_all(queue, session, model)
        assert passes.count == 2

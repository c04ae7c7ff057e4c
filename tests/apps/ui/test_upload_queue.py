"""Dropped photos are read and tagged in the background; one that is bad, and those that are too many, are told."""

from __future__ import annotations

import itertools
import threading
from typing import ClassVar

import numpy as np
import pytest

from vectortag.apps.ui import session_photos
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.apps.ui.upload_queue import UploadQueue
from vectortag.core.errors import ModelFolderError
from vectortag.model.folder import read_model_folder


def take_all(queue: UploadQueue, session: SessionPhotos, model: LoadedModel) -> None:
    while not queue.work(session, model, wait=1):
        pass


class Held(LoadedModel):
    """Reads no photo after the first ones until it is let go."""

    def __init__(self, folder, first: int) -> None:
        super().__init__(folder)
        self.first, self.go, self.numbers = first, threading.Event(), itertools.count()

    def feature_maps(self, items, pixels):
        for item in items:
            if next(self.numbers) >= self.first:
                self.go.wait(30)
            yield from super().feature_maps([item], pixels)


@pytest.fixture
def held(tiny_model) -> Held:
    return Held(read_model_folder(tiny_model), first=1)


def take_first(queue: UploadQueue, session: SessionPhotos, model: LoadedModel) -> None:
    while not session.photos:
        queue.work(session, model, wait=1)


class TestUploadQueue:
    def test_the_first_photo_has_its_tags_while_the_others_wait(self, held, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(3))

        take_first(queue, session, held)

        assert [photo.name for photo in session.photos.values()] == ["0.png"]
        assert session.is_analysed(session.photo, held)
        assert (queue.done, queue.left) == (1, 2)
        held.go.set()
        take_all(queue, session, held)
        assert [photo.name for photo in session.photos.values()] == ["0.png", "1.png", "2.png"]

    def test_the_first_of_many_photos_is_tagged_alone_so_that_its_tags_wait_for_no_others(self, tiny_model, content):
        class Recording(LoadedModel):
            calls: ClassVar[list[int]] = []

            def feature_maps(self, items, pixels):
                some = list(items)
                self.calls.append(len(some))
                yield from super().feature_maps(some, pixels)

        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(20))

        take_all(queue, session, Recording(read_model_folder(tiny_model)))

        assert Recording.calls == [1, 19]
        assert [photo.name for photo in session.photos.values()] == [f"{number}.png" for number in range(20)]

    def test_photos_taken_together_have_the_scores_of_a_photo_alone(self, model, content, passes):
        queue, session = UploadQueue(), SessionPhotos()
        contents = [content(number) for number in range(20)]
        queue.put((f"{number}.png", one) for number, one in enumerate(contents))

        take_all(queue, session, model)

        assert passes.count == 20
        for photo, one in zip(session.photos.values(), contents, strict=True):
            together = session.analyse(photo, model).tagging.scores
            alone = model.tagger().tag(one).scores
            np.testing.assert_allclose([s.score for s in together], [s.score for s in alone], atol=1e-5)

    def test_two_sessions_at_once_get_their_own_photos(self, model, content):
        both = [(UploadQueue(), SessionPhotos()) for _ in range(2)]
        for number, (queue, _) in enumerate(both):
            queue.put((f"{number}-{one}.png", content(100 * number + one)) for one in range(9))

        done = [False]
        while not all(done):
            done = [queue.work(session, model, wait=0.1) for queue, session in both]

        for number, (_, session) in enumerate(both):
            assert [photo.name for photo in session.photos.values()] == [f"{number}-{one}.png" for one in range(9)]
            assert {key for key, _, _ in session.feature_maps} == set(session.photos)

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

    def test_cancelling_keeps_the_photos_that_were_begun(self, held, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(5))
        take_first(queue, session, held)

        queue.cancel()

        assert queue.left <= 1
        held.go.set()
        take_all(queue, session, held)
        assert next(iter(session.photos.values())).name == "0.png"
        assert len(session.photos) <= 2

    def test_of_what_is_dropped_from_the_queue_nothing_comes_later(self, held, content):
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(5))
        take_first(queue, session, held)
        session.clear()

        assert queue.drop() == 4

        held.go.set()
        for thread in threading.enumerate():
            if thread.name == "uploads":
                thread.join()
        assert queue.work(session, held)
        assert (session.photos, queue.left) == ({}, 0)

    def test_another_model_has_all_photos_to_look_at(self, model, content, passes):
        queue, session = UploadQueue(), SessionPhotos()
        for number in range(2):
            session.add(f"{number}.png", content(number))

        assert not queue.work(session, model)
        assert queue.left == 2
        take_all(queue, session, model)
        assert passes.count == 2

    def test_a_model_that_is_chosen_meanwhile_sees_all_photos(self, held, two_sizes, content):
        other = LoadedModel(two_sizes)
        queue, session = UploadQueue(), SessionPhotos()
        queue.put((f"{number}.png", content(number)) for number in range(4))
        take_first(queue, session, held)

        queue.work(session, other)
        held.go.set()
        take_all(queue, session, other)

        assert len(session.photos) == 4
        assert all(session.is_analysed(photo, other) for photo in session.photos.values())

    def test_a_network_that_cannot_run_is_told_where_the_photos_are_shown(self, tiny_model, content):
        class Broken(LoadedModel):
            def feature_maps(self, items, pixels):
                next(iter(items))
                raise ModelFolderError("it cannot run")
                yield

        model = Broken(read_model_folder(tiny_model))
        queue, session = UploadQueue(), SessionPhotos()
        queue.put([("a.png", content(1)), ("b.png", content(2))])

        with pytest.raises(ModelFolderError, match="cannot run"):
            take_all(queue, session, model)

        assert queue.left == 0

"""A served model: batches with photos of several input sizes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from vectortag.core.types import Tagging
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES
from vectortag.model.folder import read_model_folder


class TestBatches:
    def test_photos_of_one_batch_are_tagged_at_the_size_of_their_profile(self, two_sizes, make_photo):
        from vectortag.apps.server.model_worker import Loading, ModelWorker

        photo = make_photo().read_bytes()
        with ThreadPoolExecutor(2) as decoding:
            model = ModelWorker(
                two_sizes, Loading(precision="exact"), max_pixels=10**6, decoding=decoding, observe=lambda _: None
            )

            async def ask() -> list[Tagging]:
                return await asyncio.gather(*(model._tag_one(photo, profile) for profile in PROFILES * 3))

            taggings = asyncio.run(ask())
            model.close()

        for profile, tagging in zip(PROFILES * 3, taggings, strict=True):
            alone = Tagger.load(two_sizes, profile=profile, precision="exact").tag(photo)
            assert (tagging.size, [one.tag for one in tagging.tags]) == (alone.size, [one.tag for one in alone.tags])
            assert [one.score for one in tagging.scores] == pytest.approx([s.score for s in alone.scores], abs=1e-5)
        assert {tagging.size for tagging in taggings} == {32, 64}


class TestIdle:
    def test_networks_are_given_back_and_the_next_photo_has_the_same_scores(
        self, tiny_model, make_photo, monkeypatch, tmp_path
    ):
        from vectortag.apps.server import model_worker

        monkeypatch.setattr(model_worker, "IDLE_SECONDS", 0.05)
        photo = make_photo().read_bytes()
        with ThreadPoolExecutor(2) as decoding:
            model = model_worker.ModelWorker(
                read_model_folder(tiny_model),
                model_worker.Loading(precision="exact"),
                max_pixels=10**6,
                decoding=decoding,
                observe=lambda _: None,
            )
            session = model._taggers.default.embedder.session
            try:
                wait_until(lambda: not session._pools)
                first = asyncio.run(model._tag_one(photo, "balanced"))
                wait_until(lambda: not session._pools)
                second = asyncio.run(model._tag_one(photo, "balanced"))
            finally:
                model.close()

        assert [one.score for one in first.scores] == [one.score for one in second.scores]


class TestReplicas:
    def test_a_tag_that_another_service_adds_is_known_soon_and_gone_soon(self, tiny_model, photos_12, monkeypatch):
        from vectortag.apps.server import model_worker

        monkeypatch.setattr(model_worker, "FOLLOW_SECONDS", 0.02)
        folder = read_model_folder(tiny_model)
        shown = [photo.read_bytes() for photo in photos_12[:4]]
        with ThreadPoolExecutor(2) as decoding:
            loading, options = model_worker.Loading(), {"decoding": decoding, "observe": lambda _: None}
            one, other = (model_worker.ModelWorker(folder, loading, max_pixels=10**6, **options) for _ in range(2))
            try:
                asyncio.run(one.add_tag("pet", shown, [], []))
                wait_until(lambda: knows(other, "pet"))
                asyncio.run(other.remove_tag("pet"))
                wait_until(lambda: not knows(one, "pet"))
            finally:
                one.close()
                other.close()

    def test_a_tag_that_is_removed_elsewhere_before_the_next_look_is_gone(self, tiny_model, photos_12, monkeypatch):
        from vectortag.apps.server import model_worker

        monkeypatch.setattr(model_worker, "FOLLOW_SECONDS", 2)
        shown = [photo.read_bytes() for photo in photos_12[:4]]
        with ThreadPoolExecutor(2) as decoding:
            worker = model_worker.ModelWorker(
                read_model_folder(tiny_model),
                model_worker.Loading(),
                max_pixels=10**6,
                decoding=decoding,
                observe=lambda _: None,
            )
            try:
                asyncio.run(worker.add_tag("pet", shown, [], []))
                Tagger.load(tiny_model).remove_tag("pet")
                wait_until(lambda: not knows(worker, "pet"))
            finally:
                worker.close()


def knows(worker: Any, tag: str) -> bool:
    """Whether both taggings and heat maps of a worker have the tag."""
    return all(tag in taggers["balanced"].tags for taggers in (worker._taggers, worker._aside_taggers))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)

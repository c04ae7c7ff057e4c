"""A served model: batches with photos of several input sizes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from vectortag.core.types import Tagging
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES


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

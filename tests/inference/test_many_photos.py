"""Scores and forward passes of many photos, each in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import PhotoError
from vectortag.inference.many_photos import SCORED_TOGETHER, ForwardPass, pass_many, score_many
from vectortag.inference.tagger import Tagger


@pytest.fixture
def photos(make_photo: Callable[..., Path], tmp_path: Path) -> list[Path]:
    """More than one batch, with a file in it that is no photo."""
    paths = [make_photo(f"{seed}.png", seed=seed) for seed in range(SCORED_TOGETHER + 3)]
    (tmp_path / "broken.png").write_bytes(b"no photo")
    return [*paths[:2], tmp_path / "broken.png", *paths[2:]]


def test_each_photo_has_its_scores_or_its_error_in_its_place(tagger: Tagger, photos: list[Path]):
    found = list(score_many(tagger.embedder, tagger.scorer, photos))

    assert [photo for photo, _ in found] == photos
    assert [index for index, (_, result) in enumerate(found) if isinstance(result, PhotoError)] == [2]
    embedding, scores = found[-1][1]
    np.testing.assert_allclose(embedding, tagger.embedder.feature_map(photos[-1]).mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(scores, tagger.scores(embedding[None])[0], atol=1e-5)


def test_a_pass_keeps_the_feature_map_that_its_scores_come_from(tagger: Tagger, photos: list[Path]):
    for photo, found in pass_many(tagger.embedder, None, tagger.scorer, photos):
        assert isinstance(found, PhotoError) == (photo.name == "broken.png")
        if isinstance(found, ForwardPass):
            own = tagger.scorer.own_scores(found.feature_map.mean(axis=(1, 2), dtype=np.float32)[None])[0]
            np.testing.assert_allclose(found.own_scores, own, atol=1e-5)
            assert found.fine is None


def test_a_fine_pass_has_a_larger_map_too_and_the_same_scores(tagger: Tagger, photos: list[Path]):
    plain = list(pass_many(tagger.embedder, None, tagger.scorer, photos[:2]))
    fine = list(pass_many(tagger.embedder, tagger.finer, tagger.scorer, photos[:2]))

    for (_, one), (_, other) in zip(plain, fine, strict=True):
        assert other.fine.shape[1:] == tuple(2 * side for side in one.feature_map.shape[1:])
        np.testing.assert_array_equal(one.own_scores, other.own_scores)


def test_photos_are_taken_as_they_are_needed(tagger: Tagger, make_photo: Callable[..., Path]):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield make_photo("same.png")

    first = score_many(tagger.embedder, tagger.scorer, endless())
    next(first)
    first.close()

    assert len(taken) < 200

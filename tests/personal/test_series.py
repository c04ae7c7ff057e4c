"""Series of near-duplicates count once."""

from __future__ import annotations

import numpy as np

from vectortag.personal.series import merge_series

BACKGROUND = np.random.default_rng(0).normal(1, 0.5, (400, 32)).astype(np.float32)


def scenes(count: int) -> np.ndarray:
    """(n, V, K): as different from each other as the photos of the background."""
    return np.random.default_rng(1).normal(1, 0.5, (count, 1, 32)).astype(np.float32).repeat(4, axis=1)


def burst(scene: np.ndarray, count: int) -> np.ndarray:
    noise = np.random.default_rng(count).normal(0, 0.02, (count, *scene.shape))
    return (scene[None] + noise).astype(np.float32)


def test_different_photos_stay_as_they_are():
    np.testing.assert_array_equal(merge_series(scenes(6), BACKGROUND), scenes(6))


def test_a_burst_becomes_its_mean():
    first, second, third = scenes(3)
    shots = burst(second, 5)
    mixed = np.stack([shots[0], first, *shots[1:], third])

    merged = merge_series(mixed, BACKGROUND)

    np.testing.assert_allclose(merged, np.stack([shots.mean(axis=0), first, third]), rtol=1e-6)


def test_a_chain_of_photos_that_follow_each_other_is_one_series():
    start, end = scenes(2)
    chain = np.stack([start + share * (end - start) for share in np.linspace(0, 1, 12)]).astype(np.float32)

    assert len(merge_series(chain, BACKGROUND)) == 1


def test_no_photo_is_no_series():
    assert merge_series(scenes(1)[:0], BACKGROUND).shape == (0, 4, 32)

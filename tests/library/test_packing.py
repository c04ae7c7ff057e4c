"""Scores and embeddings as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.library.packing import (
    codes_of_tag,
    pack_codes,
    pack_embeddings,
    pack_scores,
    unpack_codes,
    unpack_embeddings,
    unpack_scores,
)


def test_scores_lose_half_a_step_at_most():
    scores = np.random.default_rng(0).random((50, 434), np.float32)

    assert np.abs(unpack_scores(pack_scores(scores)) - scores).max() <= 0.5 / 255 + 1e-7


def test_scores_near_0_take_a_bit_and_others_a_byte_more():
    scores = np.zeros((2, 777), np.float32)
    scores[1, [0, 7, 8, 776]] = 0.1, 0.2, 0.3, 0.4
    scores[1, 5] = 0.001

    assert [len(row) for row in pack_scores(scores)] == [4 + 98, 4 + 98 + 4]


@pytest.mark.parametrize("tags", [0, 1, 7, 8, 9, 300])
def test_codes_come_back_as_they_were(tags: int):
    random = np.random.default_rng(tags)
    codes = random.integers(0, 256, (40, tags), np.uint8) * (random.random((40, tags)) < 0.2).astype(np.uint8)
    packed = [pack_codes(row.tobytes()) for row in codes]

    np.testing.assert_array_equal(unpack_codes(packed), codes)
    for tag in range(tags):
        assert codes_of_tag(packed, tag) == codes[:, tag].tolist()


def test_a_tag_that_came_later_has_the_code_0():
    assert [codes_of_tag([pack_codes(b"\1\2")], tag)[0] for tag in (1, 2, 7, 8, 16, 5000)] == [2, 0, 0, 0, 0, 0]


def test_embeddings_lose_half_a_step_of_their_largest_value_at_most():
    embeddings = np.random.default_rng(1).normal(0, 3, (20, 1280)).astype(np.float32)

    packed = pack_embeddings(embeddings)

    assert {len(row) for row in packed} == {1284}
    steps = np.abs(embeddings).max(axis=1, keepdims=True) / 127
    assert (np.abs(unpack_embeddings(packed) - embeddings) <= 0.501 * steps).all()


def test_an_embedding_of_zeros_stays_one():
    assert not unpack_embeddings(pack_embeddings(np.zeros((1, 8), np.float32))).any()

"""Scores and embeddings as bytes."""

from __future__ import annotations

import numpy as np

from vectortag.library.packing import pack_embeddings, pack_scores, unpack_embeddings, unpack_scores


def test_scores_take_a_byte_and_lose_half_a_step_at_most():
    scores = np.random.default_rng(0).random((50, 434), np.float32)

    packed = pack_scores(scores)

    assert {len(row) for row in packed} == {434}
    assert np.abs(unpack_scores(packed) - scores).max() <= 0.5 / 255 + 1e-7


def test_embeddings_lose_half_a_step_of_their_largest_value_at_most():
    embeddings = np.random.default_rng(1).normal(0, 3, (20, 1280)).astype(np.float32)

    packed = pack_embeddings(embeddings)

    assert {len(row) for row in packed} == {1284}
    steps = np.abs(embeddings).max(axis=1, keepdims=True) / 127
    assert (np.abs(unpack_embeddings(packed) - embeddings) <= 0.501 * steps).all()


def test_an_embedding_of_zeros_stays_one():
    assert not unpack_embeddings(pack_embeddings(np.zeros((1, 8), np.float32))).any()

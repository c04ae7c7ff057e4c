"""Added tags: what they are fitted on, and that their logits and gradients do not depend on each other."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.model.added_block import AddedBlock, new_tag_features, new_tag_parts
from vectortag.model.blocks import LinearBlock, MlpBlock
from vectortag.model.head import Head

WIDTH, HIDDEN, TAGS = 10, 6, 4
RANDOM = np.random.default_rng(0)


def matrix(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


MLP = Head((MlpBlock(matrix(HIDDEN, WIDTH), matrix(HIDDEN), matrix(TAGS, HIDDEN), matrix(TAGS)),))
LINEAR = Head((LinearBlock(matrix(TAGS, WIDTH), matrix(TAGS)),))
HEADS = pytest.mark.parametrize("head", [MLP, LINEAR], ids=["mlp", "linear"])


@HEADS
def test_the_features_are_two_unit_vectors_side_by_side(head: Head):
    widths = new_tag_parts(head)

    features = new_tag_features(head, matrix(3, 2, WIDTH))

    assert features.shape == (3, 2, sum(widths))
    for part in np.split(features, [widths[0]], axis=-1):
        np.testing.assert_allclose(np.linalg.norm(part, axis=-1), 1, atol=1e-5)


@HEADS
def test_the_second_part_points_where_the_roots_of_the_scores_do(head: Head):
    embeddings = matrix(5, WIDTH)

    roots = (1 / (1 + np.exp(-head.logits(embeddings)))) ** 0.5

    expected = roots / np.linalg.norm(roots, axis=1, keepdims=True)
    np.testing.assert_allclose(new_tag_features(head, embeddings)[:, new_tag_parts(head)[0] :], expected, rtol=1e-5)


@HEADS
def test_a_tags_logits_are_the_same_to_the_bit_whichever_tags_stand_beside_it(head: Head):
    rows, embeddings = matrix(3, sum(new_tag_parts(head))), matrix(7, WIDTH)

    together, alone = AddedBlock(head, rows).logits(embeddings), AddedBlock(head, rows[1:2]).logits(embeddings)

    np.testing.assert_array_equal(together[:, 1], alone[:, 0])


@HEADS
def test_gradients_are_what_logits_change_by(head: Head):
    block, embedding, step = AddedBlock(head, matrix(3, sum(new_tag_parts(head)))), matrix(WIDTH), 1e-2
    around = embedding + step * np.concatenate([np.eye(WIDTH), -np.eye(WIDTH)]).astype(np.float32)  # (2 K, K)

    up, down = np.split(block.logits(around), 2)

    found = block.along(embedding, np.array([2, 0]), np.eye(WIDTH, dtype=np.float32))
    np.testing.assert_allclose(found, ((up - down) / (2 * step)).T[[2, 0]], atol=2e-3)


def test_an_added_row_is_never_moved():
    with pytest.raises(TypeError, match="fitted again instead"):
        AddedBlock(MLP, matrix(1, sum(new_tag_parts(MLP)))).moved(0, matrix(HIDDEN), 0.0)

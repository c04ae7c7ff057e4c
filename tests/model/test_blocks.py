"""The blocks of a head: logits against torch, changes along directions against autograd."""

from __future__ import annotations

import numpy as np
import pytest
from model_parts import embeddings_of, linear_block, mlp_block

from vectortag.model.blocks import JointBlock, MlpBlock, SoftmaxGroupsBlock, read_block
from vectortag.model.classifier import Classifier


def groups_block(seed: int, *, width: int) -> SoftmaxGroupsBlock:
    """Three tags over five classes."""
    layer = linear_block(seed, width=width, tags=5)
    groups = np.uint8([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [1, 1, 0, 1, 1]])
    return SoftmaxGroupsBlock(Classifier(layer.w, layer.b, tuple("abcde")), groups)


def joint_block(seed: int, *, width: int) -> JointBlock:
    """Four tags, of which the first, third and fourth have a group."""
    taught = mlp_block(seed, width=width, hidden=6, tags=4)
    rows, scale = np.int32([0, 2, 3]), np.float32([0.5, 1.5, 0.3])
    return JointBlock(**taught.arrays(), witness=groups_block(3, width=width), rows=rows, scale=scale)


GROUPS = groups_block(3, width=10)
JOINT = joint_block(0, width=10)
BLOCKS = (mlp_block(0, width=10, hidden=6, tags=4), linear_block(1, width=10, tags=3), GROUPS, JOINT)


def test_logits_of_an_mlp_block_are_those_of_torch(need_module):
    torch = need_module("torch")
    block = mlp_block(0, width=20, hidden=12, tags=5)
    first, last = torch.nn.Linear(20, 12), torch.nn.Linear(12, 5)
    network = torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Dropout(0.3), last).eval()
    for name, values in zip(("w1", "b1", "w2", "b2"), (first.weight, first.bias, last.weight, last.bias), strict=True):
        values.data = torch.from_numpy(block.arrays()[name])
    embeddings = embeddings_of(1, 8, 20)

    expected = network(torch.from_numpy(embeddings)).detach().numpy()

    np.testing.assert_allclose(block.logits(embeddings), expected, atol=1e-5)
    assert (block.width, block.tag_count) == (20, 5)


def test_logits_of_a_linear_block_are_those_of_torch(need_module):
    torch = need_module("torch")
    block = linear_block(0, width=20, tags=5)
    network = torch.nn.Sequential(torch.nn.Linear(20, 5)).eval()
    network[0].weight.data, network[0].bias.data = torch.from_numpy(block.w), torch.from_numpy(block.b)
    embeddings = embeddings_of(1, 8, 20)

    expected = network(torch.from_numpy(embeddings)).detach().numpy()

    np.testing.assert_allclose(block.logits(embeddings), expected, atol=1e-5)
    assert (block.width, block.tag_count) == (20, 5)


def test_the_score_of_a_group_is_the_sum_of_the_softmax_of_its_classes(need_module):
    torch = need_module("torch")
    embeddings = embeddings_of(1, 8, 10)
    classifier = GROUPS.classifier

    logits = torch.from_numpy(embeddings @ classifier.w.T + classifier.b)
    expected = logits.softmax(dim=1).numpy() @ GROUPS.groups.T

    np.testing.assert_allclose(1 / (1 + np.exp(-GROUPS.logits(embeddings))), expected, atol=1e-6)
    np.testing.assert_allclose(classifier.probabilities(embeddings), logits.softmax(dim=1).numpy(), atol=1e-6)
    assert (GROUPS.width, GROUPS.tag_count) == (10, 3)


def test_the_logit_of_a_group_stays_a_number_when_one_class_takes_all():
    sure = embeddings_of(1, 2, 10) * 1e4

    assert np.isfinite(GROUPS.logits(sure)).all()
    assert np.isfinite(GROUPS.along(sure[0], np.arange(3), np.eye(10, dtype=np.float32))).all()


def test_a_group_changes_along_the_embedding_as_autograd_says(need_module):
    torch = need_module("torch")
    embedding = embeddings_of(4, 10)
    w, b = (torch.from_numpy(array).double() for array in (GROUPS.classifier.w, GROUPS.classifier.b))

    def logit(at):
        chosen = (w @ at + b).softmax(dim=0)
        return torch.logit((chosen * torch.from_numpy(GROUPS.groups[1])).sum())

    expected = torch.autograd.functional.jacobian(logit, torch.from_numpy(embedding).double()).numpy()
    found = GROUPS.along(embedding, np.array([1]), np.eye(10, dtype=np.float32))

    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.kind)
def test_a_row_that_is_moved_changes_one_logit_and_how_it_changes(block):
    embeddings = embeddings_of(5, 3, 10)
    features = block.hidden(embeddings) if isinstance(block, MlpBlock) else embeddings
    w = np.linspace(-1, 1, features.shape[1], dtype=np.float32)

    moved = block.moved(1, w, 0.5).moved(1, w, 0.5)

    change = moved.logits(embeddings) - block.logits(embeddings)
    np.testing.assert_allclose(change[:, 1], 2 * (features @ w + 0.5), atol=1e-5)
    np.testing.assert_array_equal(np.delete(change, 1, axis=1), 0)
    assert not np.array_equal(
        *(one.along(embeddings[0], np.array([1]), np.eye(10, dtype=np.float32)) for one in (moved, block))
    )


def test_a_joint_logit_is_what_photos_taught_and_a_share_of_what_the_classes_say():
    embeddings = embeddings_of(6, 5, 10)
    taught, said = mlp_block(0, width=10, hidden=6, tags=4).logits(embeddings), GROUPS.logits(embeddings)

    logits = JOINT.logits(embeddings)

    np.testing.assert_allclose(logits[:, [0, 2, 3]], taught[:, [0, 2, 3]] + said * [0.5, 1.5, 0.3], rtol=1e-5)
    np.testing.assert_array_equal(logits[:, 1], taught[:, 1])


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 0], [1]])
def test_gradients_of_joint_logits_are_what_they_change_by(rows):
    embedding, step = embeddings_of(3, 10), 1e-3
    around = embedding + step * np.concatenate([np.eye(10), -np.eye(10)]).astype(np.float32)  # (20, 10)

    up, down = np.split(JOINT.logits(around)[:, rows], 2)
    found = JOINT.along(embedding, np.array(rows), np.eye(10, dtype=np.float32))

    np.testing.assert_allclose(found, (up - down).T / (2 * step), atol=1e-2)


@pytest.mark.parametrize("block", [GROUPS, JOINT], ids=lambda block: block.kind)
def test_groups_without_a_classifier_are_refused(block):
    with pytest.raises(TypeError, match="need a classifier"):
        read_block(block.kind, block.arrays(), None)


def test_a_joint_block_without_its_groups_is_refused():
    arrays = {name: array for name, array in JOINT.arrays().items() if name != "scale"}

    with pytest.raises(TypeError, match="scale"):
        read_block("joint", arrays, JOINT.witness.classifier)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.kind)
def test_a_block_can_be_built_again_from_its_arrays(block):
    again = read_block(block.kind, block.arrays(), GROUPS.classifier)

    np.testing.assert_array_equal(again.logits(embeddings_of(0, 3, 10)), block.logits(embeddings_of(0, 3, 10)))

"""The head in numpy: its gradients are torch's, and it learns what can be learnt."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.errors import ShapeError
from vectortag.fitting import _gradients, _start, fit_mlp
from vectortag.metrics import average_precision
from vectortag.types import UNKNOWN

WIDTH, TAGS = 12, 3


def photos(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings, and tags that depend on them: on one number, on the product of two, on nothing."""
    random = np.random.default_rng(seed)
    embeddings = random.normal(size=(count, WIDTH)).astype(np.float32)
    truth = [embeddings[:, 0] > 0.5, embeddings[:, 1] * embeddings[:, 2] > 0, random.random(count) < 0.3]
    return embeddings, np.stack(truth, axis=1).astype(np.uint8)


def test_gradients_are_those_of_torch(need_module):
    torch = need_module("torch")
    random = np.random.default_rng(0)
    parameters = _start(random, WIDTH, 8, TAGS)
    embeddings, targets = photos(20, seed=1)
    targets[random.random(targets.shape) < 0.4] = UNKNOWN
    kept = (random.random((20, 8)) > 0.4).astype(np.float32) / np.float32(0.6)

    w1, b1, w2, b2 = (torch.tensor(p, requires_grad=True) for p in parameters)
    logits = (torch.relu(torch.tensor(embeddings) @ w1.T + b1) * torch.tensor(kept)) @ w2.T + b2
    known = torch.tensor(targets != UNKNOWN)
    truth = torch.tensor((targets == 1).astype(np.float32))
    torch.nn.functional.binary_cross_entropy_with_logits(logits[known], truth[known]).backward()

    for ours, theirs in zip(_gradients(parameters, embeddings, targets, kept), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), atol=1e-6)


def test_it_learns_what_can_be_learnt():
    block = fit_mlp(*photos(1500, seed=1), hidden=32, dropout=0.1, learning_rate=5e-3)

    embeddings, truth = photos(1000, seed=2)
    linear, product, chance = average_precision(block.logits(embeddings), truth)
    assert linear > 0.97
    assert product > 0.9
    assert chance < 0.4


def test_a_tag_that_is_unknown_everywhere_is_not_learnt():
    embeddings, targets = photos(300, seed=1)
    targets[:, 1] = UNKNOWN

    start, end = (fit_mlp(embeddings, targets, hidden=8, weight_decay=0, epochs=epochs) for epochs in (0, 3))

    np.testing.assert_array_equal(end.w2[1], start.w2[1])
    assert not np.array_equal(end.w2[0], start.w2[0])


def test_the_seed_decides():
    data = photos(200, seed=1)
    one, same, other = (fit_mlp(*data, hidden=8, epochs=1, seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.w1, same.w1)
    assert not np.array_equal(one.w1, other.w1)


def test_rows_must_fit():
    with pytest.raises(ShapeError, match="one row of targets a photo, got 4 for 5"):
        fit_mlp(np.zeros((5, WIDTH), np.float32), np.zeros((4, TAGS), np.uint8))

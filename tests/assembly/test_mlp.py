"""The head in numpy: its gradients are torch's, and it learns what can be learnt."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.mlp import (
    MlpOptions,
    _gradients,
    _start,
    class_weights,
    fit_mlp,
    log_odds,
    masked_bce,
    with_gaps,
)
from vectortag.core.errors import ShapeError
from vectortag.core.types import UNKNOWN
from vectortag.evaluation.metrics import average_precision

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
    weights = np.float32([1, 4, 20])
    logits = (torch.relu(torch.tensor(embeddings) @ w1.T + b1) * torch.tensor(kept)) @ w2.T + b2
    known = torch.tensor(targets != UNKNOWN)
    truth = torch.tensor((targets == 1).astype(np.float32))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, truth, pos_weight=torch.tensor(weights), reduction="none"
    )
    losses[known].mean().backward()

    ours = _gradients(parameters, embeddings, with_gaps(targets), kept, weights)
    for one, theirs in zip(ours, (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(one, theirs.grad.numpy(), atol=1e-6)
    assert masked_bce(logits.detach().numpy(), targets, weights) == pytest.approx(losses[known].mean().item())


def test_gradients_of_mixed_targets_are_those_of_torch(need_module):
    torch = need_module("torch")
    random = np.random.default_rng(0)
    parameters = _start(random, WIDTH, 8, TAGS)
    embeddings, targets = random.normal(size=(20, WIDTH)).astype(np.float32), random.random((20, TAGS), np.float32)

    w1, b1, w2, b2 = (torch.tensor(p, requires_grad=True) for p in parameters)
    weights = np.float32([1, 4, 20])
    logits = torch.relu(torch.tensor(embeddings) @ w1.T + b1) @ w2.T + b2
    torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.tensor(targets), pos_weight=torch.tensor(weights)
    ).backward()

    ours = _gradients(parameters, embeddings, targets, np.ones((20, 8), np.float32), weights)
    for one, theirs in zip(ours, (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(one, theirs.grad.numpy(), atol=1e-6)


@pytest.mark.parametrize("against_rote", [{"mixup": 0.3}, {"input_dropout": 0.3}, {"weight_decay": 3.0}])
def test_what_is_against_learning_by_heart_errs_less_on_other_photos(against_rote):
    settings = {"hidden": 64, "dropout": 0.0, "epochs": 100, "learning_rate": 1e-2}
    others, truth = photos(500, seed=2)

    by_heart, less = (
        masked_bce(fit_mlp(*photos(100, seed=1), MlpOptions(**settings, **more)).logits(others), truth)
        for more in ({}, against_rote)
    )

    assert less < 0.9 * by_heart


def test_mixing_with_what_is_unknown_teaches_nothing():
    embeddings, targets = photos(300, seed=1)
    targets[:, 1] = UNKNOWN

    start, end = (fit_mlp(embeddings, targets, MlpOptions(hidden=8, mixup=0.3, epochs=epochs)) for epochs in (0, 3))

    np.testing.assert_array_equal(end.w2[1], start.w2[1])


def test_it_learns_what_can_be_learnt():
    block = fit_mlp(*photos(1500, seed=1), MlpOptions(hidden=32, dropout=0.1, learning_rate=5e-3))

    embeddings, truth = photos(1000, seed=2)
    linear, product, chance = average_precision(block.logits(embeddings), truth)
    assert linear > 0.97
    assert product > 0.9
    assert chance < 0.4


def test_a_tag_that_is_unknown_everywhere_is_not_learnt():
    embeddings, targets = photos(300, seed=1)
    targets[:, 1] = UNKNOWN

    start, end = (
        fit_mlp(embeddings, targets, MlpOptions(hidden=8, weight_decay=0, epochs=epochs)) for epochs in (0, 3)
    )

    np.testing.assert_array_equal(end.w2[1], start.w2[1])
    assert not np.array_equal(end.w2[0], start.w2[0])


def test_the_seed_decides():
    data = photos(200, seed=1)
    one, same, other = (fit_mlp(*data, MlpOptions(hidden=8, epochs=1, seed=seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.w1, same.w1)
    assert not np.array_equal(one.w1, other.w1)


def test_rows_must_fit():
    with pytest.raises(ShapeError, match="one row of targets a photo, got 4 for 5"):
        fit_mlp(np.zeros((5, WIDTH), np.float32), np.zeros((4, TAGS), np.uint8))


def test_after_each_epoch_the_head_is_shown_as_it_is_then():
    data = photos(200, seed=1)
    heads = []

    end = fit_mlp(*data, MlpOptions(hidden=8, epochs=3), after_epoch=heads.append)

    assert len({head.w2.tobytes() for head in heads}) == 3
    np.testing.assert_array_equal(heads[-1].logits(data[0]), end.logits(data[0]))


def test_the_scale_of_an_embedding_does_not_matter():
    embeddings, targets = photos(300, seed=1)
    scale, shift = np.float32(50), np.float32(7)

    one = fit_mlp(embeddings, targets, MlpOptions(hidden=8, epochs=3))
    other = fit_mlp(embeddings * scale + shift, targets, MlpOptions(hidden=8, epochs=3))

    np.testing.assert_allclose(other.logits(embeddings * scale + shift), one.logits(embeddings), atol=0.02)


def test_nothing_known_is_no_loss():
    assert np.isnan(masked_bce(np.zeros((2, 1), np.float32), np.full((2, 1), UNKNOWN, np.uint8)))


class TestClassWeights:
    @pytest.mark.parametrize(
        ("column", "weight"),
        [
            ([1, 0, 0, 0], 3),
            ([1, 1, 0, 0], 1),
            ([1, 1, 1, 0], 1),  # a third, raised to 1
            ([1, 0, UNKNOWN, UNKNOWN], 1),
            ([1, 0, 0, UNKNOWN], 2),
            ([0, 0, 0, 0], 4),  # no positive: as if it had one
            ([1, 1, 1, 1], 1),
            ([UNKNOWN] * 4, 1),
        ],
    )
    def test_a_weight_is_negatives_over_positives_of_what_is_known(self, column, weight):
        targets = np.uint8(column)[:, None]

        assert class_weights(targets, 20.0).tolist() == [weight]

    @pytest.mark.parametrize(("negatives", "weight"), [(19, 19), (20, 20), (21, 20), (5000, 20)])
    def test_no_weight_is_above_the_limit(self, negatives, weight):
        targets = np.uint8([1] + [0] * negatives)[:, None]

        assert class_weights(targets, 20.0).tolist() == [weight]

    def test_a_limit_of_1_turns_weights_off(self):
        assert class_weights(photos(50, seed=0)[1], 1.0).tolist() == [1] * TAGS


@pytest.mark.parametrize(
    ("column", "odds"),
    [
        ([1, 0, 0, 0], 1.5 / 3.5),
        ([1, 1, 0, UNKNOWN], 2.5 / 1.5),
        ([0, 0, 0, 0], 0.5 / 4.5),
        ([UNKNOWN] * 4, 1),
    ],
)
def test_log_odds_say_how_common_a_tag_is_among_what_is_known(column, odds):
    assert log_odds(np.uint8(column)[:, None]) == pytest.approx([np.log(odds)])

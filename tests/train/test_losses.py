"""Losses and class weights against numbers worked out by hand, and against torch where nothing is unknown."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log
from types import ModuleType
from typing import Any

import pytest

from vectortag.types import UNKNOWN


@pytest.fixture
def torch(need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("torch")


@pytest.fixture
def losses(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.losses")


@pytest.fixture
def batch(torch: Any) -> tuple[Any, Any, Any]:
    """Logits, targets without gaps and weights: (16, 5), (16, 5), (5,)."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(16, 5, generator=generator) * 3
    targets = torch.randint(0, 2, (16, 5), generator=generator).to(torch.uint8)
    return logits, targets, torch.tensor([1.0, 2, 5, 10, 20])


class TestMaskedBce:
    @pytest.mark.parametrize("weighted", [False, True])
    def test_it_is_that_of_torch_where_nothing_is_unknown(self, losses, torch, batch, weighted):
        logits, targets, weights = batch
        weights = weights if weighted else None

        expected = torch.nn.BCEWithLogitsLoss(pos_weight=weights)(logits, targets.float())

        torch.testing.assert_close(losses.masked_bce(logits, targets, weights), expected)

    def test_it_is_the_mean_over_the_known_entries(self, losses, torch):
        logits = torch.tensor([[2.0, -1.0, 9.0]])
        targets = torch.tensor([[1, 0, UNKNOWN]], dtype=torch.uint8)

        loss = losses.masked_bce(logits, targets, torch.tensor([3.0, 7.0, 5.0]))

        assert loss.item() == pytest.approx((3 * log(1 + exp(-2)) + log(1 + exp(-1))) / 2, rel=1e-6)

    def test_unknown_entries_get_no_gradient(self, losses, torch, batch):
        logits, targets, weights = batch
        targets[::2, 1] = UNKNOWN
        targets[5] = UNKNOWN
        logits.requires_grad_()

        losses.masked_bce(logits, targets, weights).backward()

        assert (logits.grad[targets == UNKNOWN] == 0).all()
        assert (logits.grad[targets != UNKNOWN] != 0).all()

    def test_extreme_logits_of_unknown_entries_change_nothing(self, losses, torch, batch):
        logits, targets, weights = batch
        targets[3, 3] = UNKNOWN
        before = losses.masked_bce(logits, targets, weights)
        logits[3, 3] = 1e30

        assert losses.masked_bce(logits, targets, weights) == before

    def test_it_is_0_where_nothing_is_known(self, losses, torch):
        logits = torch.zeros(2, 3, requires_grad=True)

        loss = losses.masked_bce(logits, torch.full((2, 3), UNKNOWN, dtype=torch.uint8))
        loss.backward()

        assert loss.item() == 0
        assert (logits.grad == 0).all()


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
    def test_a_weight_is_negatives_over_positives_of_what_is_known(self, losses, torch, column, weight):
        targets = torch.tensor(column, dtype=torch.uint8)[:, None]

        assert losses.class_weights(targets, 20.0).tolist() == [weight]

    @pytest.mark.parametrize(("negatives", "weight"), [(19, 19), (20, 20), (21, 20), (5000, 20)])
    def test_no_weight_is_above_the_limit(self, losses, torch, negatives, weight):
        targets = torch.tensor([1] + [0] * negatives, dtype=torch.uint8)[:, None]

        assert losses.class_weights(targets, 20.0).tolist() == [weight]

    def test_a_limit_of_1_turns_weights_off(self, losses, torch, batch):
        assert losses.class_weights(batch[1], 1.0).tolist() == [1] * 5

"""Losses and class weights against numbers worked out by hand, and against torch and timm where nothing is unknown."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, nan
from types import ModuleType
from typing import Any

import pytest

from vectortag.assembly.mlp import class_weights, log_odds
from vectortag.core.types import UNKNOWN
from vectortag.train.sections import LossConfig

EVERY_KIND = pytest.mark.parametrize("kind", ["bce", "weighted_bce", "adjusted_bce", "focal", "asymmetric"])


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


def sigmoid(logit: float) -> float:
    return 1 / (1 + exp(-logit))


class TestTargets:
    def test_they_become_floats_with_nan_for_unknown(self, losses, torch):
        targets = losses.to_float(torch.tensor([[0, 1, UNKNOWN]], dtype=torch.uint8))

        torch.testing.assert_close(targets, torch.tensor([[0.0, 1.0, nan]]), equal_nan=True)


class TestEveryLoss:
    @pytest.fixture
    def create(self, losses: Any, batch: Any) -> Callable[..., Any]:
        """create("focal", gamma=3): that loss, with class weights from the batch."""
        return lambda kind, **fields: losses.create_loss(LossConfig(kind=kind, **fields), batch[1])

    @EVERY_KIND
    def test_unknown_entries_get_no_gradient(self, create, losses, batch, kind):
        logits, targets, _ = batch
        targets[::2, 1] = UNKNOWN
        targets[5] = UNKNOWN
        logits.requires_grad_()

        create(kind, clip=0)(logits, losses.to_float(targets)).backward()

        assert (logits.grad[targets == UNKNOWN] == 0).all()
        assert (logits.grad[targets != UNKNOWN] != 0).all()

    @EVERY_KIND
    @pytest.mark.parametrize("extreme", [1e30, -1e30])
    def test_extreme_logits_of_unknown_entries_change_nothing(self, create, losses, torch, batch, kind, extreme):
        logits, targets, _ = batch
        targets[3, 3] = UNKNOWN
        gradients, values = [], []
        for logit in (0.0, extreme):
            logits[3, 3] = logit
            changed = logits.clone().requires_grad_()
            values.append(create(kind)(changed, losses.to_float(targets)))
            values[-1].backward()
            gradients.append(changed.grad)

        assert values[0] == values[1]
        assert gradients[0].equal(gradients[1])

    @EVERY_KIND
    def test_it_is_the_mean_over_the_known_entries(self, create, losses, torch, kind):
        logits, targets = torch.tensor([[2.0, -1.0, 9.0, 1.0, 0.5]]), torch.tensor([[1.0, 0.0, nan, nan, 1.0]])
        loss = create(kind)

        alone = [loss(logits, torch.where(torch.arange(5) == tag, targets, nan)).item() for tag in (0, 1, 4)]

        assert min(alone) > 0
        assert loss(logits, targets).item() == pytest.approx(sum(alone) / 3, rel=1e-5)

    @EVERY_KIND
    def test_it_is_0_where_nothing_is_known(self, create, torch, kind):
        logits = torch.zeros(2, 5, requires_grad=True)

        loss = create(kind)(logits, torch.full((2, 5), nan))
        loss.backward()

        assert loss.item() == 0
        assert (logits.grad == 0).all()

    @EVERY_KIND
    def test_extreme_logits_of_known_entries_keep_finite_gradients(self, create, torch, kind):
        logits = torch.tensor([[-200.0, 200.0, -200.0, 200.0, -6.0]], requires_grad=True)

        create(kind, gamma=0.5)(logits, torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0]])).backward()

        assert logits.grad.isfinite().all()

    @EVERY_KIND
    def test_a_step_downhill_lowers_it_with_fractional_targets_too(self, create, torch, batch, kind):
        logits = batch[0].clone().requires_grad_()
        targets = torch.rand(16, 5, generator=torch.Generator().manual_seed(1))
        targets[2, 2] = nan
        before = create(kind)(logits, targets)
        before.backward()

        after = create(kind)(logits.detach() - 0.5 * logits.grad, targets)

        assert after < before


class TestBce:
    @pytest.mark.parametrize("weighted", [False, True])
    def test_it_is_that_of_torch_where_nothing_is_unknown(self, losses, torch, batch, weighted):
        logits, targets, weights = batch
        weights = weights if weighted else None

        expected = torch.nn.BCEWithLogitsLoss(pos_weight=weights)(logits, targets.float())

        torch.testing.assert_close(losses.masked_bce(logits, losses.to_float(targets), weights), expected)

    def test_a_weight_multiplies_the_positives_of_its_tag(self, losses, torch):
        logits, targets = torch.tensor([[2.0, -1.0, 9.0]]), torch.tensor([[1.0, 0.0, nan]])

        loss = losses.masked_bce(logits, targets, torch.tensor([3.0, 7.0, 5.0]))

        assert loss.item() == pytest.approx((3 * log(1 + exp(-2)) + log(1 + exp(-1))) / 2, rel=1e-6)

    def test_a_fraction_is_that_much_of_a_positive(self, losses, torch):
        loss = losses.masked_bce(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.3, nan]]), torch.tensor([5.0, 1.0]))

        assert loss.item() == pytest.approx(0.3 * 5 * log(1 + exp(-2)) + 0.7 * log(1 + exp(2)), rel=1e-6)

    def test_weighted_bce_takes_its_weights_from_the_training_targets(self, losses, torch, batch):
        logits, targets, _ = batch
        config = LossConfig(kind="weighted_bce", max_positive_weight=1.5)
        expected = losses.masked_bce(logits, targets.float(), torch.from_numpy(class_weights(targets.numpy(), 1.5)))

        assert losses.create_loss(config, targets)(logits, targets.float()) == expected
        assert losses.create_loss(LossConfig(kind="bce"), targets)(logits, targets.float()) < expected


class TestAdjustedBce:
    def test_how_common_a_tag_is_is_part_of_its_logit_while_training(self, losses, torch):
        loss = losses.adjusted_bce(
            torch.tensor([[2.0, -1.0, 9.0]]), torch.tensor([[1.0, 0.0, nan]]), torch.tensor([-3.0, 1, 5])
        )

        assert loss.item() == pytest.approx((log(1 + exp(1)) + log(1 + exp(0))) / 2, rel=1e-6)

    def test_it_is_learnt_from_the_training_targets_as_often_as_asked_for(self, losses, torch, batch):
        logits, targets, _ = batch
        offsets = 0.5 * torch.from_numpy(log_odds(targets.numpy()))

        loss = losses.create_loss(LossConfig(kind="adjusted_bce", adjustment=0.5), targets)(logits, targets.float())

        assert loss == losses.masked_bce(logits + offsets, targets.float())

    def test_a_head_that_knows_nothing_says_how_common_a_tag_is_with_logits_of_zero(self, losses, torch, batch):
        _, targets, _ = batch
        logits = torch.zeros(16, 5, requires_grad=True)

        losses.create_loss(LossConfig(kind="adjusted_bce"), targets)(logits, targets.float()).backward()

        assert logits.grad.sum(dim=0).abs().max() < 0.005  # exactly 0 but for the half that is added to each count
        losses.masked_bce(logits, targets.float()).backward()
        assert logits.grad.sum(dim=0).abs().max() > 0.02


class TestFocal:
    def test_it_is_the_formula_of_the_paper(self, losses, torch):
        logits, targets = torch.tensor([[2.0, -1.0, 4.0]]), torch.tensor([[1.0, 0.0, nan]])
        positive = 0.3 * (1 - sigmoid(2)) ** 1.5 * -log(sigmoid(2))
        negative = 0.7 * sigmoid(-1) ** 1.5 * -log(1 - sigmoid(-1))

        loss = losses.masked_focal(logits, targets, alpha=0.3, gamma=1.5)

        assert loss.item() == pytest.approx((positive + negative) / 2, rel=1e-5)

    def test_without_focus_and_balance_it_is_half_the_cross_entropy(self, losses, torch, batch):
        logits, targets, _ = batch

        loss = losses.masked_focal(logits, targets.float(), alpha=0.5, gamma=0)

        torch.testing.assert_close(2 * loss, losses.masked_bce(logits, targets.float()))

    def test_a_fraction_lies_between_the_two(self, losses, torch):
        wrongness = 0.3 * (1 - sigmoid(2)) + 0.7 * sigmoid(2)
        cross_entropy = -0.3 * log(sigmoid(2)) - 0.7 * log(1 - sigmoid(2))

        loss = losses.masked_focal(torch.tensor([[2.0]]), torch.tensor([[0.3]]), alpha=0.25, gamma=2)

        assert loss.item() == pytest.approx((0.3 * 0.25 + 0.7 * 0.75) * wrongness**2 * cross_entropy, rel=1e-5)

    def test_its_settings_are_those_of_the_configuration(self, losses, batch):
        logits, targets, _ = batch
        config = LossConfig(kind="focal", alpha=0.6, gamma=3)

        loss = losses.create_loss(config, targets)(logits, targets.float())

        assert loss == losses.masked_focal(logits, targets.float(), alpha=0.6, gamma=3)


class TestAsymmetric:
    CONFIG = LossConfig(kind="asymmetric", gamma_negative=3, gamma_positive=2, clip=0.1)

    def test_it_is_that_of_timm_where_nothing_is_unknown(self, losses, torch, batch, need_module):
        logits, targets, _ = batch
        timms = need_module("timm.loss").AsymmetricLossMultiLabel(3, 2, 0.1, reduction="mean")

        loss = losses.create_loss(self.CONFIG, targets)(logits, targets.float())

        torch.testing.assert_close(loss, timms(logits, targets))

    def test_it_is_the_formula_of_the_paper(self, losses, torch):
        logits, targets = torch.tensor([[2.0, 1.0, -4.0, 3.0]]), torch.tensor([[1.0, 0.0, 0.0, nan]])
        positive = (1 - sigmoid(2)) ** 2 * -log(sigmoid(2))
        shifted = sigmoid(1) - 0.1
        negative = shifted**3 * -log(1 - shifted)
        easy = 0  # its score of 0.02 is below the margin of 0.1

        loss = losses.create_loss(self.CONFIG, targets)(logits, targets)

        assert loss.item() == pytest.approx((positive + negative + easy) / 3, rel=1e-5)

"""Shared numerics against independent implementations: torch, scikit-learn, plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vectortag.core.errors import ShapeError
from vectortag.core.numerics import (
    AdamW,
    check_shapes,
    fit_platt,
    logit,
    roc_auc,
    sigmoid,
    softmax,
    unit,
    unit_gradient,
)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_sigmoid_does_not_overflow(kind):
    far = np.array([-60_000, -1000, 0, 1000, 60_000], kind)

    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(sigmoid(far), [0, 0, 0.5, 1, 1])


def test_sigmoid_is_the_logistic_function():
    logits = np.linspace(-30, 30, 61)

    np.testing.assert_allclose(sigmoid(logits), 1 / (1 + np.exp(-logits)), rtol=1e-12)


def test_logit_is_the_inverse_of_sigmoid():
    logits = np.linspace(-13, 13, 27)

    np.testing.assert_allclose(logit(sigmoid(logits)), logits, atol=1e-9)


def test_logit_is_finite_at_both_ends():
    np.testing.assert_allclose(logit([0.0, 1.0]), [np.log(1e-6), -np.log(1e-6)], rtol=1e-5)


def test_softmax_is_that_of_torch(need_module):
    torch = need_module("torch")
    logits = np.random.default_rng(0).normal(0, 50, (4, 7)).astype(np.float32)

    for axis in (0, 1):
        expected = torch.softmax(torch.from_numpy(logits), axis).numpy()
        np.testing.assert_allclose(softmax(logits, axis), expected, rtol=1e-5, atol=1e-30)


def test_unit_vectors_have_length_one_and_their_direction():
    vectors = np.random.default_rng(0).normal(0, 3, (2, 5, 4))

    units = unit(vectors)

    assert units.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(units, axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(units * np.linalg.norm(vectors, axis=-1, keepdims=True), vectors, rtol=1e-5)
    assert not unit(np.zeros((1, 3))).any()


@pytest.mark.parametrize("vectors", [(6,), (4, 6)], ids=["one vector", "one vector each"])
def test_the_gradient_of_unit_is_that_of_autograd(vectors, need_module):
    torch = need_module("torch")
    random = np.random.default_rng(1)
    gradients, values = random.normal(size=(4, 6)), random.normal(size=vectors)

    for row in range(4):
        vector = torch.tensor(values if values.ndim == 1 else values[row], requires_grad=True)
        (torch.nn.functional.normalize(vector, dim=0) @ torch.tensor(gradients[row])).backward()
        np.testing.assert_allclose(unit_gradient(gradients, values)[row], vector.grad.numpy(), rtol=1e-10)


class TestPlatt:
    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(2)
        values = random.normal(0, 3, 2000)
        return values, random.random(2000) < sigmoid(0.7 * values - 0.5)

    def test_without_a_prior_it_is_logistic_regression(self):
        values, truth = self.drawn()
        reference = LogisticRegression(C=1e6, tol=1e-8).fit(values[:, None], truth)

        curve = fit_platt(values, truth, prior=np.array([1.0, 0.0]), strength=0.0)

        np.testing.assert_allclose(curve, [reference.coef_[0, 0], reference.intercept_[0]], atol=1e-4)

    def test_a_weight_of_two_counts_a_row_twice(self):
        values, truth = self.drawn()
        prior = np.array([1.0, 0.0])
        weights = np.where(np.arange(len(values)) < 500, 2.0, 1.0)

        weighted = fit_platt(values, truth, prior=prior, strength=1.0, weights=weights)
        repeated = fit_platt(np.r_[values[:500], values], np.r_[truth[:500], truth], prior=prior, strength=1.0)

        np.testing.assert_allclose(weighted, repeated, rtol=1e-8)

    def test_a_strong_prior_is_kept(self):
        values, truth = self.drawn()

        np.testing.assert_allclose(
            fit_platt(values, truth, prior=np.array([2.0, 1.0]), strength=1e9), [2, 1], rtol=1e-4
        )

    def test_the_slope_stays_above_zero(self):
        values, truth = self.drawn()

        assert fit_platt(-values, truth, prior=np.array([1.0, 0.0]), strength=0.1)[0] == 1e-3


def test_roc_auc_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    positives, negatives = random.normal(0.5, 1, 40), random.normal(0, 1, 90)
    truth = np.r_[np.ones(40), np.zeros(90)]

    assert roc_auc(positives, negatives) == pytest.approx(roc_auc_score(truth, np.r_[positives, negatives]))


def test_ties_are_misses():
    assert roc_auc(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == 0.75


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adamw_takes_the_steps_of_torch(weight_decay, need_module):
    torch = need_module("torch")
    random = np.random.default_rng(4)
    param = random.normal(size=(3, 4)).astype(np.float32)
    theirs = torch.nn.Parameter(torch.from_numpy(param.copy()))
    reference, ours = torch.optim.AdamW([theirs], weight_decay=weight_decay), AdamW(param, weight_decay=weight_decay)

    for lr in (0.1, 0.05, 0.2, 0.01):
        grad = random.normal(size=param.shape).astype(np.float32)
        reference.param_groups[0]["lr"] = lr
        theirs.grad = torch.from_numpy(grad)
        reference.step()
        ours.step(grad, lr)

    np.testing.assert_allclose(param, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (5, 2), (4,)])
def test_scores_and_targets_of_two_shapes_are_refused(shape):
    check_shapes(np.zeros((4, 2)), np.zeros((4, 2), np.uint8))

    with pytest.raises(ShapeError, match=r"expected scores and targets of one shape \(N, T\), got \(4, 2\) and"):
        check_shapes(np.zeros((4, 2)), np.zeros(shape, np.uint8))

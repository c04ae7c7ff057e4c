"""A row that corrections have moved: they come out right, and nothing else moves much."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.core.numerics import sigmoid
from vectortag.personal.refit import _cost_of_change, refit

WIDTH = 6
RANDOM = np.random.default_rng(0)
BACKGROUND = RANDOM.normal(size=(300, WIDTH)).astype(np.float32)
ROW = RANDOM.normal(size=WIDTH)


def logits(features: np.ndarray) -> np.ndarray:
    return (features @ ROW - 2).astype(np.float32)


def after(features: np.ndarray, corrected: np.ndarray, has: list[bool], **options: float) -> np.ndarray:
    w, b = refit(BACKGROUND, corrected, np.array(has), logits=(logits(BACKGROUND), logits(corrected)), **options)
    return logits(features) + features @ w + b


def test_corrected_photos_move_to_where_they_should_be():
    corrected = RANDOM.normal(size=(4, WIDTH)).astype(np.float32)
    has = [True, False, True, False]

    moved = after(corrected, corrected, has) - logits(corrected)

    assert (np.sign(moved) == np.where(has, 1, -1)).all()


def test_less_resistance_moves_them_further():
    corrected = RANDOM.normal(size=(1, WIDTH)).astype(np.float32)

    little, much = (after(corrected, corrected, [True], resistance=r)[0] for r in (300.0, 3.0))

    assert logits(corrected)[0] < little < much


def test_other_photos_keep_their_scores():
    corrected = RANDOM.normal(size=(2, WIDTH)).astype(np.float32)

    change = sigmoid(after(BACKGROUND, corrected, [True, False])) - sigmoid(logits(BACKGROUND))

    assert np.abs(change).mean() < 0.03


def test_what_is_right_already_changes_hardly_anything():
    sure = (20 * ROW / np.linalg.norm(ROW)).astype(np.float32)[None]  # a logit far above 0

    np.testing.assert_allclose(after(BACKGROUND, sure, [True]), logits(BACKGROUND), atol=1e-3)


def test_it_is_the_minimum_of_what_it_says_it_minimises():
    corrected, has = RANDOM.normal(size=(5, WIDTH)).astype(np.float32), np.array([True, True, False, True, False])
    design = np.c_[np.r_[BACKGROUND, corrected], np.ones(305)]
    before = np.r_[logits(BACKGROUND), logits(corrected)]
    targets = np.r_[sigmoid(logits(BACKGROUND)), has]

    w, b = refit(BACKGROUND, corrected, has, logits=(logits(BACKGROUND), logits(corrected)), resistance=10.0)

    change = np.r_[w, b]
    gradient = design.T @ (sigmoid(before + design @ change) - targets) + 10.0 * _cost_of_change(BACKGROUND) @ change
    np.testing.assert_allclose(gradient, 0, atol=1e-2)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_it_ends_for_features_of_any_scale(scale: float):
    corrected = (scale * RANDOM.normal(size=(3, WIDTH))).astype(np.float32)
    zero = np.zeros(300, np.float32), np.zeros(3, np.float32)

    w, b = refit((scale * BACKGROUND).astype(np.float32), corrected, np.array([True, False, True]), logits=zero)

    assert np.isfinite(w).all()
    assert np.isfinite(b)

"""Training the head on embeddings that are easy to tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.errors import TrainingError
from vectortag.train.config import TrainConfig
from vectortag.types import UNKNOWN, ByteArray, FloatArray

WIDTH = 6


@pytest.fixture
def fit_head(need_module: Callable[[str], ModuleType]) -> Iterator[Callable[..., Any]]:
    """`fit_head` on one thread: for matrices this small, threads only wait for one another."""
    torch = need_module("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield need_module("vectortag.train.fit_head").fit_head
    torch.set_num_threads(threads)


def toy(photos: int, seed: int) -> tuple[FloatArray, ByteArray]:
    """Embeddings, and three tags: each says whether one of their coordinates is above 0.5."""
    embeddings = np.random.default_rng(seed).random((photos, WIDTH)).astype(np.float32)
    return embeddings, (embeddings[:, :3] > 0.5).astype(np.uint8)


def config(**fields: Any) -> TrainConfig:
    data = [{"name": "toy", "csv": "toy.csv"}]
    common = {"name": "toy", "data": data, "head": {"hidden": 32, "dropout": 0.1}, "epochs": 25, "learning_rate": 0.02}
    return TrainConfig.model_validate(common | fields)


TRAIN, VALIDATION = toy(200, 0), toy(100, 1)


def logits_of(fitted: Any, embeddings: FloatArray) -> FloatArray:
    import torch

    with torch.inference_mode():
        return fitted.head(torch.from_numpy(embeddings)).numpy()


def losses_of(fitted: Any) -> list[tuple[float, float]]:
    return [(epoch.train_loss, epoch.validation_loss) for epoch in fitted.epochs]


def test_it_learns_what_can_be_told_apart(fit_head):
    fitted = fit_head(config(), [TRAIN[0]], TRAIN[1], *VALIDATION)

    right = (logits_of(fitted, VALIDATION[0]) > 0) == (VALIDATION[1] == 1)
    assert right.mean() > 0.95
    assert fitted.epochs[-1].train_loss < 0.3 * fitted.epochs[0].train_loss


def test_it_learns_nothing_from_unknown_entries(fit_head):
    lies = np.random.default_rng(2).random(TRAIN[1].shape) < 0.3
    hidden = np.where(lies, UNKNOWN, TRAIN[1]).astype(np.uint8)
    lied = np.where(lies, 1 - TRAIN[1], TRAIN[1]).astype(np.uint8)

    right = [
        ((logits_of(fit_head(config(), [TRAIN[0]], targets, *VALIDATION), VALIDATION[0]) > 0) == VALIDATION[1]).mean()
        for targets in (hidden, lied)
    ]

    assert right[0] > right[1] + 0.03


def test_two_runs_of_one_seed_are_equal(fit_head):
    runs = [fit_head(config(epochs=3, seed=seed), [TRAIN[0]], TRAIN[1], *VALIDATION) for seed in (1, 1, 2)]

    assert losses_of(runs[0]) == losses_of(runs[1]) != losses_of(runs[2])
    np.testing.assert_array_equal(logits_of(runs[0], VALIDATION[0]), logits_of(runs[1], VALIDATION[0]))


def test_the_seed_of_another_part_of_the_program_changes_nothing(fit_head):
    import torch

    runs = []
    for seed in (5, 6):
        torch.manual_seed(seed)
        runs.append(fit_head(config(epochs=2), [TRAIN[0]], TRAIN[1], *VALIDATION))

    assert losses_of(runs[0]) == losses_of(runs[1])


def test_the_head_is_that_of_the_best_epoch(fit_head):
    """Training targets that are noise: validation is best early, and what comes later is thrown away."""
    noise = np.random.default_rng(3).integers(0, 2, (40, 3)).astype(np.uint8)
    settings = config(epochs=40, learning_rate=0.05, max_positive_weight=1)

    fitted = fit_head(settings, [TRAIN[0][:40]], noise, *VALIDATION)

    validation = [epoch.validation_loss for epoch in fitted.epochs]
    assert fitted.best == int(np.argmin(validation)) < 39
    assert validation[-1] > 1.05 * validation[fitted.best]
    logits, truth = logits_of(fitted, VALIDATION[0]), VALIDATION[1]
    loss = np.logaddexp(0, np.where(truth == 1, -logits, logits)).mean()
    assert loss == pytest.approx(validation[fitted.best], rel=1e-4)


def test_it_stops_dropping_out_when_it_is_finished(fit_head):
    fitted = fit_head(config(epochs=1, head={"hidden": 32, "dropout": 0.9}), [TRAIN[0]], TRAIN[1], *VALIDATION)

    assert not fitted.head.training
    np.testing.assert_array_equal(logits_of(fitted, VALIDATION[0]), logits_of(fitted, VALIDATION[0]))


def test_each_photo_is_learnt_in_all_its_views(fit_head):
    """The second view has the coordinates of the tags elsewhere; only who has seen it can tell them there."""
    views = [TRAIN[0], TRAIN[0][:, ::-1].copy()]
    probe = VALIDATION[0][:, ::-1].copy()

    right = [
        ((logits_of(fit_head(config(), seen, TRAIN[1], probe, VALIDATION[1]), probe) > 0) == VALIDATION[1]).mean()
        for seen in (views, views[:1])
    ]

    assert right[0] > right[1] + 0.1


@pytest.mark.parametrize("where", ["training", "validation"])
def test_a_loss_that_is_no_number_stops_the_training(fit_head, where):
    broken, whole = TRAIN[0].copy(), VALIDATION[0].copy()
    (broken if where == "training" else whole)[3, 2] = np.nan

    with pytest.raises(TrainingError, match=r"epoch 1: the loss is .*nan.* Lower learning_rate"):
        fit_head(config(), [broken], TRAIN[1], whole, VALIDATION[1])

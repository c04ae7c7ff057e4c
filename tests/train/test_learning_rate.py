"""The learning-rate finder; a whole run of it is in test_recipe.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import OutputError, TrainingError
from vectortag.train.config import DataConfig, TrainConfig


@pytest.fixture
def finder(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.learning_rate")


def test_each_part_keeps_its_share_of_the_rate_that_is_tried(torch, finder, need_module):
    data = (DataConfig(name="photos", csv="photos/metadata.csv"),)
    config = TrainConfig(name="mine", data=data, learning_rate=0.1, backbone_rate=0.25)
    trunk, head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    whole = need_module("vectortag.train.lightning_module").TagModule(config, trunk, head, torch.nn.MSELoss())
    module = finder._Finding(whole)
    optimiser = need_module("vectortag.train.optimiser").create_optimiser(config, trunk, head)
    for group in optimiser.param_groups:
        group["lr"] = 0.004  # as the Tuner sets it, before each step

    module.on_before_optimizer_step(optimiser)

    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([0.001, 0.004])


def test_a_curve_that_cannot_be_written_is_one_line(finder, tmp_path: Path):
    curve = finder.Curve((0.1, 0.2), (1.0, 0.5), 0.2)
    table, picture = finder.curve_files(tmp_path / "missing", "mine")

    with pytest.raises(OutputError, match=r"mine\.learning_rates\.csv: cannot be written"):
        curve.write(table, picture)


class TestCurve:
    RATES = np.geomspace(1e-6, 1.0, 100)

    def losses(self, best: float, noise: float = 0.01) -> np.ndarray:
        """A loss that falls around a rate, in noise, and rises when the rate is a hundred times as high."""
        decades = np.log10(self.RATES / best)
        return (
            1
            - 0.4 / (1 + np.exp(-5 * decades))
            + np.exp(4 * (decades - 2))
            + np.random.default_rng(0).normal(0, noise, 100)
        )

    @pytest.mark.parametrize("best", [1e-4, 1e-3, 1e-2])
    def test_the_rate_at_which_the_loss_falls_fastest_is_suggested_whatever_the_noise(self, finder, best: float):
        assert best / 2 < finder.Curve.of(self.RATES, self.losses(best)).suggestion < best * 2

    def test_what_is_no_number_is_left_out(self, finder):
        losses = self.losses(1e-3)
        losses[90:] = np.nan

        curve = finder.Curve.of(self.RATES, losses)

        assert len(curve.rates) == len(curve.losses) == 90
        assert 5e-4 < curve.suggestion < 2e-3

    @pytest.mark.parametrize("losses", [np.linspace(1, 2, 100), np.full(100, np.nan), np.full(100, 0.5)])
    def test_without_a_fall_nothing_is_suggested(self, finder, losses: np.ndarray):
        with pytest.raises(TrainingError, match="no learning rate can be suggested: the loss did not fall"):
            finder.Curve.of(self.RATES, losses)

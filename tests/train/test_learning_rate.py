"""The learning-rate finder; a whole run of it is in test_recipe.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vectortag.core.errors import OutputError
from vectortag.train.config import DataConfig, TrainConfig


@pytest.fixture
def finder(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.learning_rate")


def test_each_part_keeps_its_share_of_the_rate_that_is_tried(torch, finder, need_module):
    data = (DataConfig(name="photos", csv="photos/metadata.csv"),)
    config = TrainConfig(name="mine", data=data, learning_rate=0.1, backbone_rate=0.25)
    trunk, head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    module = finder._Finding(config, trunk, head, torch.nn.MSELoss())
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

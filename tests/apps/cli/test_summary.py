"""What `fit` and `train` say at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.output import notes
from vectortag.apps.cli.summary import print_summary
from vectortag.model.folder import ModelFolder

FIGURES = {"photos": 1234, "map": 0.625, "micro_f1": 0.5}


@pytest.fixture
def summary(
    write_tiny_model: Callable[..., ModelFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """summary({"holiday": {...}}): the lines for a model with these figures."""

    def lines(metrics: dict[str, Any]) -> list[str]:
        notes.__dict__.pop("console", None)
        sets = [
            {"name": name, "train_photos": 10, "known": ("dog",), "validation": ()}
            for name in metrics
            if name != "folds"
        ]
        folder = write_tiny_model(tmp_path / "mine", data_sets=sets, metrics={**metrics, "cross_fitted": {}})
        print_summary(folder, report=Path("mine.run/report"), model="mine")
        return capsys.readouterr().err.splitlines()

    return lines


def test_each_data_set_has_its_figures_and_the_last_line_is_a_command(summary: Callable[..., list[str]]):
    assert summary({"holiday": FIGURES, "garden": {**FIGURES, "photos": 5, "map": 0.25}}) == [
        "6 tags; on 1,234 validation photos of holiday: mAP 62.5, micro F1 50.0",
        "6 tags; on 5 validation photos of garden: mAP 25.0, micro F1 50.0",
        "report: mine.run/report",
        "use it: vectortag tag PHOTO --model mine",
    ]


def test_a_figure_that_cannot_be_computed_is_a_dash_and_no_zero(summary: Callable[..., list[str]]):
    first, *_ = summary({"holiday": {**FIGURES, "map": None}})

    assert first.endswith(": mAP -, micro F1 50.0")


@pytest.mark.parametrize(
    ("deviation", "expected"),
    [(0.0125, "mAP 62.5 ± 1.2"), (None, "mAP 62.5")],
    ids=["several folds", "one fold"],
)
def test_folds_have_a_mean_and_how_far_they_differ(
    summary: Callable[..., list[str]], deviation: float | None, expected: str
):
    folds = {
        "folds": 5,
        "map": {"mean": 0.625, "deviation": deviation},
        "micro_f1": {"mean": None, "deviation": None},
        "doubted": 1200,
        "labels": 34000,
    }

    line = summary({"holiday": FIGURES, "folds": folds})[1]

    assert line == f"over 5 folds: {expected}, micro F1 -; 1,200 of 34,000 labels look wrong"

"""What a training shows while it runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def logs(torch: Any, need_module: Any) -> Any:
    return need_module("vectortag.train.logs")


@pytest.fixture
def trainer(tmp_path: Any, logs: Any) -> SimpleNamespace:
    """As much of a trainer of three epochs as the bar reads."""
    loggers = logs.loggers(tmp_path, logs.Progress())
    return SimpleNamespace(max_epochs=3, loggers=loggers, progress_bar_metrics={"val_loss": 0.5})


def test_the_bar_counts_epochs_from_one_as_the_log_does(logs, trainer):
    bar = logs.Bar()
    bar._trainer = trainer

    assert [bar._get_train_description(epoch) for epoch in range(3)] == [
        "epoch 1 of 3",
        "epoch 2 of 3",
        "epoch 3 of 3",
    ]


def test_the_bar_shows_figures_and_no_number_of_a_folder(logs, trainer):
    assert logs.Bar().get_metrics(trainer, None) == {"val_loss": 0.5}


@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_a_new_run_begins_its_logs_anew(logs, tmp_path):
    file = tmp_path / "logs" / "metrics.csv"
    file.parent.mkdir()
    file.write_text("epoch,step,val_loss\n0,4,0.5\n")

    table, _ = logs.loggers(tmp_path, logs.Progress())

    table.experiment  # noqa: B018  Lightning makes it when it is first asked for
    assert not file.exists()


@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_a_resumed_run_keeps_the_rows_of_finished_epochs_only(logs, tmp_path):
    file = tmp_path / "logs" / "metrics.csv"
    file.parent.mkdir()
    file.write_text("epoch,step,val_loss\n0,4,0.5\n1,9,0.25\n2,14,0.125\n")

    table, _ = logs.loggers(tmp_path, logs.Progress(epochs=2, steps=10))
    table.log_metrics({"epoch": 2, "val_loss": 0.1}, 14)
    table.save()

    assert file.read_text().splitlines() == ["epoch,step,val_loss", "0,4,0.5", "1,9,0.25", "2,14,0.1"]

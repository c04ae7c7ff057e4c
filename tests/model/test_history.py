"""What a manifest remembers of each epoch."""

from __future__ import annotations

import json
import math

import pytest

from vectortag.model.history import Epoch, Learning, learning_of

MEASURED = Epoch(0.5, 0.25, 0.125, val_f1=0.75, learning_rate=1e-3, seconds=8.0, photos_per_second=100.0)


def test_it_is_read_back_as_it_was_written():
    learning = Learning((MEASURED, Epoch(0.5, 0.25, 0.125)), best=1)

    assert learning_of(json.loads(json.dumps(learning.to_plain()))) == learning


def test_what_was_not_measured_is_not_written():
    assert Epoch(0.5, 0.25, 0.125).to_plain() == {"train_loss": 0.5, "val_loss": 0.25, "val_map": 0.125}


def test_a_figure_that_is_null_is_no_number():
    learning = learning_of({"epochs": [{"train_loss": 0.5, "val_loss": 0.25, "val_map": None}], "best_epoch": 1})

    assert learning is not None
    assert math.isnan(learning.epochs[0].val_map)


def test_epochs_that_took_another_time_are_equal():
    other = Epoch(0.5, 0.25, 0.125, val_f1=0.75, learning_rate=1e-3, seconds=9.0, photos_per_second=1.0)

    assert other == MEASURED


def test_its_line_has_all_that_was_measured():
    assert str(MEASURED) == (
        "train loss 0.5000, val loss 0.2500, val mAP 12.50, F1 75.00, rate 0.001; 8.0 s, 100 photos/s"
    )
    assert str(Epoch(0.5, 0.25, 0.125)) == "train loss 0.5000, val loss 0.2500, val mAP 12.50"


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"epochs": "many", "best_epoch": 1},
        {"epochs": [1, 2], "best_epoch": 1},
        {"epochs": [{"train_loss": 0.5}], "best_epoch": 2},
        {"epochs": [{"train_loss": 0.5}], "best_epoch": "1"},
    ],
)
def test_a_manifest_that_lists_something_else_remembers_nothing(provenance):
    assert learning_of(provenance) is None

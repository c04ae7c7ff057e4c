"""What a configuration may hold: values that fit together, and none that changes later."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vectortag.train.config import DataConfig, TrainConfig

DATA = (DataConfig(name="photos", csv="photos/metadata.csv"),)


def test_a_configuration_cannot_be_changed():
    config = TrainConfig(name="mine", data=DATA)

    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(("freeze", "workers", "count"), [("stages", None, 0), ("backbone", 3, 3), ("none", 0, 0)])
def test_cached_activations_are_read_by_the_training_itself_unless_workers_are_asked_for(freeze, workers, count):
    assert TrainConfig(name="mine", data=DATA, freeze=freeze, workers=workers).worker_count == count


def test_photos_are_augmented_in_several_processes():
    assert 1 <= TrainConfig(name="mine", data=DATA).worker_count <= 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"freeze": "stages", "layer_decay": 0.7},
            "layer_decay needs a network that is trained as a whole. Set freeze",
        ),
        ({"freeze": "backbone", "unfreeze_at": [1]}, "unfreeze_at needs a network that is trained as a whole"),
        ({"frozen_epochs": 1, "unfreeze_at": [1]}, "unfreeze_at and frozen_epochs both say when"),
        ({"unfreeze_at": [2, 1]}, r"unfreeze_at: expected rising numbers below epochs = 12, got \[2, 1\]"),
        ({"unfreeze_at": [12]}, r"expected rising numbers below epochs = 12, got \[12\]"),
        ({"unfreeze_at": [-1]}, "greater than or equal to 0"),
        ({"layer_decay": 1.1}, "less than or equal to 1"),
        ({"momentum": 1.0}, "less than 1"),
    ],
)
def test_schedules_that_cannot_be_meant_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        TrainConfig.model_validate({"name": "mine", "data": [{"name": "photos", "csv": "metadata.csv"}], **changes})

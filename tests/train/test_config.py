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

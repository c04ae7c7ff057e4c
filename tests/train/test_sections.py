"""Sections of a configuration: which values each key takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vectortag.train.sections import AugmentConfig, DistilConfig, LossConfig, ScheduleConfig, Strict

SECTIONS = (AugmentConfig, LossConfig, DistilConfig, ScheduleConfig)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_an_unknown_key_is_refused_and_nothing_changes_later(section: type[Strict]):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        section.model_validate({"colour": 1})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(section(), next(iter(section.model_fields)), 1)


@pytest.mark.parametrize(
    ("section", "key", "values"),
    [
        (LossConfig, "gamma_negative", [0, 1, 2.5]),
        (LossConfig, "clip", [0, 0.99]),
        (LossConfig, "max_positive_weight", [1, 100]),
        (LossConfig, "kind", ["bce", "weighted_bce", "adjusted_bce", "focal", "asymmetric"]),
        (AugmentConfig, "resize", [None, 32, 2048]),
        (AugmentConfig, "scale", [0.01, 1]),
        (AugmentConfig, "jitter", [(0, 0, 0, 0), (1, 1, 1, 0.5)]),
        (AugmentConfig, "views", [1, 9]),
        (DistilConfig, "share", [0, 1]),
        (ScheduleConfig, "kind", ["plateau", "cosine", "constant"]),
        (ScheduleConfig, "warmup_epochs", [0, 0.5]),
    ],
)
def test_a_key_takes_its_values(section: type[Strict], key: str, values: list[Any]):
    for value in values:
        assert getattr(section.model_validate({key: value}), key) == value


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        # between 0 and 1 the gradient of p^gamma is infinite where clipping puts every easy negative
        (LossConfig, "gamma_negative", 0.5, "expected 0 or at least 1"),
        (LossConfig, "gamma_positive", -1, "expected 0 or at least 1"),
        (LossConfig, "clip", 1, "less than 1"),
        (LossConfig, "max_positive_weight", 0.9, "greater than or equal to 1"),
        (LossConfig, "kind", "hinge", "Input should be 'bce'"),
        (AugmentConfig, "resize", 31, "greater than or equal to 32"),
        (AugmentConfig, "resize", 2049, "less than or equal to 2048"),
        (AugmentConfig, "scale", 0, "greater than 0"),
        (AugmentConfig, "jitter", (0, 0, 0, 0.6), "less than or equal to 0.5"),  # half a circle is the farthest hue
        (AugmentConfig, "jitter", (0, 0, 0), "Field required"),
        (AugmentConfig, "rand_magnitude", 31, "less than or equal to 30"),
        (AugmentConfig, "views", 0, "greater than or equal to 1"),
        (DistilConfig, "share", 1.1, "less than or equal to 1"),
        (ScheduleConfig, "factor", 1, "less than 1"),
        (ScheduleConfig, "patience", -1, "greater than or equal to 0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(section: type[Strict], key: str, value: object, message: str):
    with pytest.raises(ValidationError, match=message):
        section.model_validate({key: value})

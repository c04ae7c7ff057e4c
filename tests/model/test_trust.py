"""Curves over the signs of a fit: what they say of a tag, and how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.model.calibration import PROFILES
from vectortag.model.trust import FLATTEST, LEAST_PRECISION, LEAST_RECALL, Promise, Trust, pack_trust, unpack_trust


def trust(**changed: object) -> Trust:
    """Two signs, of which the first says all."""
    fields = {
        "middle": np.float32([2, 0]),
        "spread": np.float32([0.5, 1]),
        "curves": np.float32([[1, 0.25, 0], [-3, 0.5, 0]]),
        "promises": np.float32([[1, 1, 0], [0, 0.5, 0]]),
        "thresholds": {"precise": 0.75, "balanced": 0.5, "thorough": 0.25},
        "tried": 40,
    }
    return Trust(**{**fields, **changed})  # type: ignore[arg-type]


def test_a_tag_in_the_middle_of_the_tried_ones_gets_the_common_curve():
    slope, bias, thresholds = trust().calibration(np.float32([2, 0])).one(0)

    assert (slope, bias) == (1, -3)
    assert thresholds == trust().thresholds


def test_a_better_sign_promises_more():
    worse, better = (trust().promise(np.float32([sign, 0])) for sign in (1.5, 2.5))

    assert worse.precision == pytest.approx(0.5)
    assert better.precision == pytest.approx(1 / (1 + np.exp(-2)))
    assert worse.recall < better.recall


def test_a_sign_far_from_all_tried_ones_counts_as_the_farthest():
    assert trust().promise(np.float32([100, 0])) == trust().promise(np.float32([3.25, 0]))


def test_a_slope_never_reverses_the_ranking():
    falling = trust(curves=np.float32([[-1, 0, 0], [0, 0, 0]]))

    assert falling.calibration(np.float32([2, 0])).one(0)[0] == pytest.approx(FLATTEST)


def test_a_promise_is_worth_making_from_the_least_precision_on():
    assert Promise(LEAST_PRECISION, 0.5).is_useful
    assert not Promise(LEAST_PRECISION - 0.01, 0.5).is_useful
    assert not Promise(0.9, LEAST_RECALL - 0.01).is_useful


@pytest.mark.parametrize(
    ("precision", "recall", "words"),
    [(0.99, 0.72, "nearly all .* about 7 of 10"), (0.31, 0.04, "about 3 of 10 .* hardly any")],
)
def test_a_promise_is_said_in_tenths(precision, recall, words):
    import re

    assert re.search(words, str(Promise(precision, recall)))


def test_what_is_stored_comes_back():
    back = unpack_trust(pack_trust(trust(), "named"), "named")

    assert back is not None
    assert back.thresholds == trust().thresholds
    assert back.tried == 40
    for name in ("middle", "spread", "curves", "promises"):
        np.testing.assert_array_equal(getattr(back, name), getattr(trust(), name))


def test_of_another_kind_there_is_nothing():
    assert unpack_trust(pack_trust(trust(), "named"), "alone") is None


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("curves", np.zeros((2, 4), np.float32)),
        ("promises", np.zeros(3, np.float32)),
        ("thresholds", np.zeros(len(PROFILES) + 1, np.float32)),
        ("spread", np.float32([1, 0])),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, array):
    arrays = pack_trust(trust()) | {f"trust.{name}": array}

    with pytest.raises(ValueError, match=f'"trust.{name}"'):
        unpack_trust(arrays)

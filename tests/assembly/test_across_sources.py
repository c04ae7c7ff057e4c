"""Calibration and thresholds from sources that a head has not learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vectortag.assembly.across_sources import (
    COMMONEST,
    PROMISE,
    Evidence,
    calibration_across,
    fit_across,
    judged_by,
    left_out_figures,
    tags_of_one_source,
    threshold_for_all,
    with_borrowed,
)
from vectortag.assembly.operating_point import SILENT, score
from vectortag.core.types import UNKNOWN, ByteArray
from vectortag.model.calibration import PROFILES, sigmoid
from vectortag.model.hierarchy import Hierarchy

FLAT = Hierarchy({})


def evidence(photos: int = 6000, tags: int = 4, *, seed: int = 0, judges: tuple[str, ...] = ("a", "b")) -> Evidence:
    """Logits whose truth is drawn at half of them, less 2.5, on two sources, the second a fifth as large."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 5, (photos, tags)).astype(np.float32)
    targets = (random.random(logits.shape) < sigmoid(logits / 2 - 2.5)).astype(np.uint8)
    sources = np.where(np.arange(photos) % 6 == 0, "b", "a")
    return Evidence(logits, targets, np.zeros(targets.shape, bool), sources, np.ones(photos, bool), judges)


def shown_and_right(found: Evidence, profile: str) -> tuple[int, float]:
    point = fit_across(found, FLAT)
    scores = score(found.logits, point, FLAT)
    shown = scores >= point.thresholds[profile]  # type: ignore[arg-type]
    return int(shown.sum()), float((found.targets[shown] == 1).mean())


def test_each_profile_keeps_its_promise_and_shows_more_than_a_stricter_one():
    shown, right = zip(*(shown_and_right(evidence(), profile) for profile in PROFILES), strict=True)

    assert right == pytest.approx([PROMISE[profile] for profile in PROFILES], abs=0.02)
    assert shown[0] < shown[1] < shown[2]


def test_curves_are_those_that_the_truth_was_drawn_by():
    slope, bias = calibration_across(evidence(20_000))

    assert slope == pytest.approx([0.5] * 4, abs=0.05)
    assert bias == pytest.approx([-2.5] * 4, abs=0.15)


def test_of_what_most_photos_have_a_curve_is_fitted_as_if_fewer_had_it():
    found = evidence(20_000)
    found.targets[:, 0] = np.random.default_rng(1).random(20_000) < sigmoid(found.logits[:, 0] / 2 + 1)

    slope, bias = calibration_across(found)

    assert slope[0] == pytest.approx(0.5, abs=0.05)
    assert bias[0] == pytest.approx(1 + np.log((COMMONEST / (1 - COMMONEST)) / (0.64 / 0.36)), abs=0.15)


def test_a_small_source_counts_as_much_as_a_large_one():
    found = evidence(6000)
    small = found.sources == "b"
    found.targets[small] = np.random.default_rng(1).random((small.sum(), 4)) < 0.5
    as_one = replace(found, sources=np.full(6000, "a"))

    weights = found.photo_weights()

    assert weights[small].sum() == pytest.approx(weights[~small].sum())
    assert (calibration_across(found)[0] < calibration_across(as_one)[0] - 0.05).all()


def test_a_tag_that_complete_sets_show_often_is_calibrated_by_them_alone():
    found = evidence(judges=("a",))
    other = found.sources == "b"
    found.targets[other, 0] = 0
    found.targets[~other, 1] = UNKNOWN
    as_it_was = calibration_across(evidence(judges=("a",)))[1]

    bias = calibration_across(found)[1]

    assert bias[0] == pytest.approx(as_it_was[0], abs=0.1)
    assert bias[1] != pytest.approx(as_it_was[1], abs=0.1)


@pytest.fixture
def named_by_few() -> Evidence:
    """One source, a tag whose absence nobody knows: half of the photos that have it are named."""
    found = evidence(20_000, 1, judges=("b",))
    found.sources[:] = "a"
    has = found.targets == 1
    unnamed = ~has | (np.random.default_rng(2).random(has.shape) < 0.5)
    found.targets[unnamed] = UNKNOWN
    return replace(found, unnamed=unnamed)


def surest(found: Evidence, checked: ByteArray | None) -> float:
    """The mean score of the photos whose logit is over 5."""
    slope, bias = calibration_across(replace(found, checked=checked))
    return float(sigmoid(slope * found.logits[found.logits > 5] + bias).mean())


def test_spot_checks_say_how_often_a_tag_is_right_where_nobody_knows_its_absence(named_by_few):
    seen = named_by_few.unnamed & (np.random.default_rng(3).random(named_by_few.unnamed.shape) < 0.1)
    wrong, true, right = (
        surest(named_by_few, np.where(seen, said, UNKNOWN).astype(np.uint8))
        for said in (0, evidence(20_000, 1).targets, 1)
    )

    assert wrong < true - 0.05 < surest(named_by_few, None) + 0.05 < right


def test_the_photos_that_were_looked_at_stand_for_all_that_a_tag_would_be_shown_on(named_by_few):
    tenth = np.random.default_rng(3).random(named_by_few.unnamed.shape) < 0.1
    all_of_them = evidence(20_000, 1).targets

    some = surest(named_by_few, np.where(tenth, all_of_them, UNKNOWN).astype(np.uint8))

    assert some == pytest.approx(surest(named_by_few, all_of_them), abs=0.03)


def test_a_tag_that_complete_sets_show_often_needs_no_spot_check():
    found = evidence()
    wrong = np.zeros(found.targets.shape, np.uint8)

    assert np.array_equal(calibration_across(replace(found, checked=wrong)), calibration_across(found))


def test_what_nobody_named_speaks_against_a_tag_but_less_than_what_is_known():
    found = evidence()
    known = calibration_across(found)[1][0]
    absent = found.targets[:, 0] == 0
    found.targets[absent, 0] = UNKNOWN
    found.unnamed[absent, 0] = True

    bias = calibration_across(found)[1][0]

    assert known < bias < known + 2


def test_a_tag_of_which_nothing_says_that_it_is_absent_is_silent():
    found = evidence()
    found.targets[found.targets[:, 1] == 0, 1] = UNKNOWN

    slope, bias = calibration_across(found)

    assert (slope[1], bias[1]) == (0, SILENT)


def test_the_threshold_is_the_lowest_at_which_the_promise_is_kept():
    found = evidence(judges=("a",))
    scores = sigmoid(found.logits / 2 - 2.5).astype(np.float32)
    of_a = found.sources == "a"

    threshold = threshold_for_all(found, scores, 0.8)

    shown = (scores >= threshold) & of_a[:, None]
    assert (found.targets[shown] == 1).mean() == pytest.approx(0.8, abs=0.01)


def test_a_tag_that_is_often_wrong_has_a_higher_threshold_than_the_others():
    found = evidence(6000, tags=8)
    found.targets[:, 0] = (np.random.default_rng(1).random(6000) < 0.5 * (found.logits[:, 0] > 0)).astype(np.uint8)

    thresholds = fit_across(found, FLAT).thresholds["thorough"]

    assert thresholds[0] > thresholds[1]


def test_a_careful_tag_is_judged_by_sets_that_are_not_complete_too():
    found = evidence(judges=("b",))
    found.targets[found.sources == "b", 2] = UNKNOWN

    thresholds = fit_across(found, FLAT, careful=[2]).thresholds["balanced"]

    assert thresholds[2] > thresholds[1]


def test_a_careful_tag_keeps_the_promise_of_precise_in_balanced():
    found = evidence(20_000)

    point = fit_across(found, FLAT, careful=[2])

    scores = score(found.logits, point, FLAT)
    shown = scores[:, 2] >= point.thresholds["balanced"][2]
    assert (found.targets[shown, 2] == 1).mean() == pytest.approx(PROMISE["precise"], abs=0.02)
    assert point.thresholds["thorough"][2] == point.thresholds["thorough"][1]


def test_a_tag_made_of_classes_alone_is_shown_from_a_share_of_the_softmax_on():
    share = np.float32([0.28, 0.32])
    point = fit_across(with_borrowed(evidence(), 2), FLAT, first_borrowed=4)

    logits = np.zeros((2, 6), np.float32)
    logits[:, 4] = np.log(share / (1 - share))
    scores = score(logits, point, FLAT)

    assert (scores[:, 4] >= point.thresholds["balanced"][4]).tolist() == [False, True]
    assert point.thresholds["balanced"][4] == min(point.thresholds["balanced"])


def test_a_parent_keeps_its_own_threshold_and_is_shown_with_its_child():
    found, family = evidence(), Hierarchy({0: (1, 2)})
    fitted = fit_across(found, family, careful=[0])
    thresholds, scores = fitted.thresholds["balanced"], score(found.logits, fitted, family)

    shown = judged_by(fitted, found.logits, found.targets, family).decisions

    assert thresholds[0] > thresholds[1:3].max()
    np.testing.assert_array_equal(shown[:, 0], (scores[:, :3] >= thresholds[:3]).any(axis=1))
    np.testing.assert_array_equal(shown[:, 1:], scores[:, 1:] >= thresholds[1:])


def test_what_a_source_left_out_is_shown_and_what_one_source_alone_teaches_is_told():
    found = evidence()
    found.left_out[:100] = False
    found.targets[100:, 3] = UNKNOWN
    point = fit_across(found, FLAT)

    figures = left_out_figures(found, point, FLAT, "wxyz")

    assert set(figures) == {"a", "b"}
    assert figures["a"]["right"] == pytest.approx(PROMISE["balanced"], abs=0.03)
    assert figures["a"]["calibration_error"] < 0.03
    assert set(figures["b"]["by_tag"]) == {"w", "x", "y"}
    assert tags_of_one_source(found, "wxyz") == ["z"]


def test_what_is_shown_is_judged_on_photos_that_fitted_nothing():
    point, other = fit_across(evidence(), FLAT), evidence(seed=7)

    judged = judged_by(point, other.logits, other.targets, FLAT, sets=other.sources)

    assert judged.decisions.shape == other.targets.shape
    assert judged.summary()["calibration_error"] < 0.03

"""Calibration against curves that are known, thresholds against a search over every score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score

from vectortag.core.errors import ShapeError
from vectortag.core.numerics import sigmoid
from vectortag.core.types import UNKNOWN
from vectortag.evaluation.metrics import calibration_error
from vectortag.model.calibration import (
    F_BETA,
    FLOOR,
    PROFILES,
    Calibration,
    calibrate_rare,
    fit_calibration,
    fit_thresholds,
    rare_weights,
)


def drawn(seed: int, slope: list[float], bias: list[float], photos: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets whose true scores are sigmoid(slope * logit + bias), tag by tag."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, (photos, len(slope))).astype(np.float32)
    truth = 1 / (1 + np.exp(-(logits.astype(np.float64) * slope + bias)))
    return logits, (generator.random(truth.shape) < truth).astype(np.uint8)


def test_calibration_finds_the_curves_that_made_the_targets():
    slope, bias = [0.5, 1.0, 2.0], [-1.0, 0.0, 1.5]

    fitted = fit_calibration(*drawn(0, slope, bias))

    np.testing.assert_allclose(fitted, [slope, bias], atol=0.25)
    assert [curve.dtype for curve in fitted] == [np.float32, np.float32]


def test_one_tag_alone_gets_the_curve_of_logistic_regression():
    # The prior of a single tag is that tag's own curve, so it pulls nowhere.
    logits, targets = drawn(1, [0.7], [-0.5])
    reference = LogisticRegression(C=1e6, tol=1e-8).fit(logits, targets[:, 0])

    slope, bias = fit_calibration(logits, targets)

    assert slope[0] == pytest.approx(reference.coef_[0, 0], abs=1e-3)
    assert bias[0] == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_calibration_makes_distorted_scores_honest():
    logits, targets = drawn(2, [1.0] * 5, [0.0, -0.5, 0.5, -1.0, 1.0])
    distorted = 3 * logits + 2  # far too sure of itself, and too generous
    fit, test = slice(0, 2000), slice(2000, None)

    slope, bias = fit_calibration(distorted[fit], targets[fit])
    scores = sigmoid(slope * distorted + bias)

    assert calibration_error(sigmoid(distorted[test]), targets[test]) > 0.1
    assert calibration_error(scores[test], targets[test]) < 0.02


def test_calibration_does_not_look_at_unknown_entries():
    logits, targets = drawn(3, [1.0, 2.0], [0.0, -1.0], photos=300)
    targets[::3, 0] = targets[1::4, 1] = UNKNOWN
    moved = np.where(targets == UNKNOWN, 1000, logits).astype(np.float32)

    np.testing.assert_array_equal(fit_calibration(moved, targets), fit_calibration(logits, targets))


def test_a_tag_that_was_never_annotated_gets_the_common_curve():
    logits, targets = drawn(4, [1.5, 1.0], [-1.0, 0.0])
    targets[:, 1] = UNKNOWN

    slope, bias = fit_calibration(logits, targets)

    assert (slope[1], bias[1]) == pytest.approx((slope[0], bias[0]), abs=1e-4)


def test_where_nothing_is_known_logits_are_taken_as_they_are():
    slope, bias = fit_calibration(np.ones((3, 2), np.float32), np.full((3, 2), UNKNOWN, np.uint8))

    np.testing.assert_array_equal([slope, bias], [[1, 1], [0, 0]])


def test_a_tag_of_few_photos_stays_near_the_common_curve():
    logits, targets = drawn(5, [1.0] * 10, [0.0] * 10)
    targets[6:, 0] = UNKNOWN
    targets[:6, 0] = [0, 1, 1, 0, 1, 0]
    logits[:6, 0] = [2, -2, -2, 2, -2, 2]  # alone, it would be turned round

    slope, bias = fit_calibration(logits, targets)

    assert 0.5 < slope[0] < 0.9
    assert bias[0] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("separation", [-1, 1], ids=["turned round", "separated"])
def test_the_slope_is_always_above_zero(separation):
    logits = np.linspace(-20, 20, 200, dtype=np.float32)[:, None].repeat(2, axis=1)
    targets = (separation * logits > 0).astype(np.uint8)

    slope, bias = fit_calibration(logits, targets)

    assert (slope > 0).all()
    assert np.isfinite([slope, bias]).all()


@pytest.mark.parametrize("fit", [fit_calibration, fit_thresholds])
@pytest.mark.parametrize("shape", [(4, 3), (5, 2), (4,)])
def test_two_shapes_are_refused(fit, shape):
    with pytest.raises(ShapeError, match=r"expected scores and targets of one shape \(N, T\), got \(4, 2\) and"):
        fit(np.zeros((4, 2), np.float32), np.zeros(shape, np.uint8))


def best_of_all_scores(scores: np.ndarray, targets: np.ndarray, beta: float) -> float:
    """The highest of the observed scores whose F-beta no other exceeds, tried one by one."""
    known = targets != UNKNOWN
    scores, targets = scores[known], targets[known]
    f_beta = {
        threshold: round(fbeta_score(targets, scores >= threshold, beta=beta, zero_division=0), 12)
        for threshold in set(scores.tolist())
    }
    return max(threshold for threshold, value in f_beta.items() if value == max(f_beta.values()))


few_scores = st.sampled_from([np.float32(score) for score in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)])


@settings(deadline=None)
@given(
    scores=arrays.arrays(np.float32, 12, elements=few_scores),
    targets=arrays.arrays(np.uint8, 12, elements=st.sampled_from([0, 0, 1, UNKNOWN])),
    profile=st.sampled_from(PROFILES),
)
def test_the_threshold_is_the_best_of_all_scores(scores, targets, profile):
    targets[0] = 1

    (threshold,) = fit_thresholds(scores[:, None], targets[:, None], beta=F_BETA[profile])

    assert threshold == best_of_all_scores(scores, targets, F_BETA[profile])


@pytest.mark.parametrize("beta", F_BETA.values())
def test_the_threshold_is_the_best_of_many_scores_without_ties(beta):
    generator = np.random.default_rng(6)
    scores = generator.random((150, 2), np.float32)
    targets = (generator.random((150, 2)) < scores**2).astype(np.uint8)

    thresholds = fit_thresholds(scores, targets, beta=beta)

    assert thresholds.tolist() == [best_of_all_scores(scores[:, tag], targets[:, tag], beta) for tag in (0, 1)]


def test_a_precise_threshold_is_above_a_thorough_one():
    generator = np.random.default_rng(7)
    scores = generator.random((500, 1), np.float32)
    targets = (generator.random((500, 1)) < scores).astype(np.uint8)

    precise, balanced, thorough = (fit_thresholds(scores, targets, beta=F_BETA[profile])[0] for profile in PROFILES)

    assert precise > balanced > thorough


def test_a_tag_without_positives_has_no_threshold():
    scores = np.float32([[0.9, 0.9, 0.9], [0.2, 0.2, 0.2]])
    targets = np.uint8([[0, UNKNOWN, 1], [0, UNKNOWN, 0]])

    thresholds = fit_thresholds(scores, targets)

    np.testing.assert_array_equal(thresholds, np.float32([np.nan, np.nan, 0.9]))
    assert not (scores[:, :2] >= thresholds[:2]).any()


def test_a_common_tag_is_thresholded_as_if_there_were_more_photos_without_it():
    """80 photos have the tag and 40 have not: for a fifth of all, each of the 40 counts as 8."""
    generator = np.random.default_rng(3)
    with_it, without = generator.normal(0.6, 0.2, (80, 1)), generator.normal(0.4, 0.2, (40, 1))
    scores = np.concatenate([with_it, without]).astype(np.float32)
    targets = np.uint8([[1]] * 80 + [[0]] * 40)
    repeated = np.concatenate([with_it, *[without] * 8]).astype(np.float32)

    threshold = fit_thresholds(scores, targets, commonest=0.2)

    assert threshold == fit_thresholds(repeated, np.uint8([[1]] * 80 + [[0]] * 320))
    assert threshold > fit_thresholds(scores, targets)
    assert fit_thresholds(scores, targets, commonest=0.7) == fit_thresholds(scores, targets)


class TestCalibrationValue:
    def test_scores_are_the_logistic_function_of_the_scaled_logits(self):
        calibration = Calibration(np.float32([2, 0.5]), np.float32([-1, 0]), {})
        logits = np.float32([[0, 1], [3, -2]])

        expected = 1 / (1 + np.exp(-np.float32([[-1, 0.5], [5, -1]])))

        np.testing.assert_allclose(calibration.scores(logits), expected, rtol=1e-6)
        assert calibration.scores(logits).dtype == np.float32

    def test_joined_calibrations_keep_the_order_of_their_tags(self):
        thresholds = [dict.fromkeys(PROFILES, value) for value in (0.1, float("nan"), 0.3)]
        parts = [Calibration.of_one(slope, -slope, of) for slope, of in zip((1.0, 2.0, 3.0), thresholds, strict=True)]

        joined = Calibration.joined(parts)

        assert joined.slope.tolist() == [1, 2, 3]
        assert joined.bias.tolist() == [-1, -2, -3]
        for profile in PROFILES:
            np.testing.assert_array_equal(joined.thresholds[profile], np.float32([0.1, np.nan, 0.3]))
        assert {array.dtype for array in (joined.slope, joined.bias, *joined.thresholds.values())} == {np.dtype("f4")}

    def test_one_tag_is_taken_out_as_it_was_put_in(self):
        thresholds = {"precise": 0.7, "balanced": 0.5, "thorough": 0.2}

        assert Calibration.of_one(1.1, -0.3, thresholds).one(0) == (1.1, -0.3, thresholds)


class TestRareTags:
    PREVALENCE = 0.02
    PRIOR = np.array([1.0, 0.0])

    def photos(self) -> tuple[np.ndarray, np.ndarray]:
        truth = np.arange(500) < 100
        return np.random.default_rng(0).normal(np.where(truth, 2, 0), 1), truth

    def test_the_weights_make_positives_as_rare_as_they_are_said_to_be(self):
        _, truth = self.photos()

        weights = rare_weights(truth, self.PREVALENCE, 700)

        assert weights.sum() == pytest.approx(700)
        assert weights[truth].sum() == pytest.approx(self.PREVALENCE * 700)

    def test_the_mean_score_is_the_prevalence(self):
        values, truth = self.photos()
        weights = rare_weights(truth, self.PREVALENCE, 500)

        calibration = calibrate_rare(values, truth, weights, prior=self.PRIOR, strength=1e-3)

        assert np.average(calibration.scores(values), weights=weights) == pytest.approx(self.PREVALENCE, abs=1e-4)

    def test_thresholds_have_the_best_f_beta_above_the_floor(self):
        values, truth = self.photos()
        weights = rare_weights(truth, self.PREVALENCE, 500)

        calibration = calibrate_rare(values, truth, weights, prior=self.PRIOR, strength=1e-3)

        slope, bias, thresholds = calibration.one(0)
        scores = sigmoid(slope * values + bias)
        for profile, beta in F_BETA.items():
            best = max(
                scores, key=lambda t, beta=beta: fbeta_score(truth, scores >= t, beta=beta, sample_weight=weights)
            )
            assert thresholds[profile] == pytest.approx(max(best, FLOOR[profile]))

    def test_thresholds_reach_the_precision_that_is_asked_for(self):
        values, truth = self.photos()
        weights = rare_weights(truth, 0.2, 500)
        wanted = {"precise": 0.9, "balanced": 0.7, "thorough": 0.4}

        calibration = calibrate_rare(values, truth, weights, prior=self.PRIOR, strength=1e-3, precision=wanted)

        slope, bias, thresholds = calibration.one(0)
        scores = sigmoid(slope * values + bias)
        for profile, least in wanted.items():
            shown = scores >= thresholds[profile]
            assert least <= weights[shown & truth].sum() / weights[shown].sum() < least + 0.05

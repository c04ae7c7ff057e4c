"""Curves from tags that were tried, on clouds of values whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vectortag.assembly.trust_curves import (
    FEWEST_TAGS,
    PRECISION,
    Trial,
    cross_fit,
    fit_trust,
    logistic,
    outcome,
)
from vectortag.core.numerics import logit
from vectortag.model.trust import PREVALENCE


def trials(count: int = 60, seed: int = 0) -> list[Trial]:
    """Tags that stand out by 1 to 6 deviations, which their first sign tells; the second sign tells nothing."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        height = random.uniform(1, 6)
        signs = np.float32([height, random.normal()])
        made.append(Trial(f"tag {number}", signs, random.normal(height, 1, 300), random.normal(0, 1, 4000)))
    return made


def cut(trust, trial: Trial) -> float:
    slope, bias, thresholds = trust.calibration(trial.signs).one(0)
    return (float(logit(thresholds["balanced"])) - bias) / slope


def test_precision_counts_photos_as_if_two_of_a_hundred_had_the_tag():
    trial = Trial("dog", np.float32([0]), np.array([1.0, 3.0]), np.array([0.0, 0.0, 0.0, 2.0]))

    came = outcome(trial, 2.0)

    assert came.recall == 0.5
    assert came.precision == pytest.approx(0.02 * 0.5 / (0.02 * 0.5 + 0.98 * 0.25))
    assert np.isnan(outcome(trial, 9.0).precision)


def test_the_tags_keep_the_precision_in_the_mean():
    trust, new = fit_trust(trials(200)), trials(200, seed=1)

    came = [outcome(trial, cut(trust, trial)) for trial in new]

    assert np.nanmean([one.precision for one in came if one.recall >= PREVALENCE]) == pytest.approx(
        PRECISION["balanced"], abs=0.07
    )


def test_what_is_promised_of_a_tag_is_what_comes():
    trust, new = fit_trust(trials(120)), trials(120, seed=1)

    promised = np.array([trust.promise(trial.signs).recall for trial in new])
    came = np.array([outcome(trial, cut(trust, trial)).recall for trial in new])

    assert np.abs(promised - came).mean() < 0.1
    assert np.corrcoef(promised, came)[0, 1] > 0.9


def test_a_tag_that_was_tried_often_counts_once():
    few = trials(20)
    often = [*few, *[few[0]] * 200]

    np.testing.assert_allclose(fit_trust(often).middle, fit_trust(few).middle, atol=2.5)
    np.testing.assert_allclose(fit_trust(often).tried, fit_trust(few).tried)


def test_a_few_tags_say_nothing():
    assert fit_trust(trials(FEWEST_TAGS - 1)) is None
    assert cross_fit(trials(FEWEST_TAGS - 1)) == []


def test_each_tag_is_judged_once_by_curves_of_others():
    kept = cross_fit(trials(30))

    assert sorted(one.tag for one in kept) == sorted(trial.tag for trial in trials(30))


def test_the_regression_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    design = random.normal(size=(400, 3))
    truth = (random.random(400) < 1 / (1 + np.exp(-design @ [1.0, -2.0, 0.5]))).astype(np.float64)
    weights = random.uniform(0.2, 2, 400)

    theirs = LogisticRegression(C=1 / 0.5, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(design, truth, sample_weight=weights)

    np.testing.assert_allclose(logistic(design, truth, weights, 0.5), theirs.coef_[0], atol=1e-4)

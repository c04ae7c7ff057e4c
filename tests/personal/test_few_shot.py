"""One tag from a few examples, on clouds of points whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.core.errors import NewTagError
from vectortag.model.calibration import FLOOR, PROFILES
from vectortag.model.trust import Trust
from vectortag.personal.few_shot import OWN_PRECISION, SIGNS, Backdrop, FittedTag, fit_row, fit_tag, is_weak

FEATURES, VIEWS = 24, 4


def unit(points: np.ndarray) -> np.ndarray:
    return (points / np.linalg.norm(points, axis=-1, keepdims=True)).astype(np.float32)


def background(count: int = 600, seed: int = 0) -> np.ndarray:
    """(B, F): photos of everything, spread unevenly over the features."""
    spread = np.linspace(2.0, 0.2, FEATURES)
    return unit(1.0 + np.random.default_rng(seed).normal(size=(count, FEATURES)) * spread)


def photos_of(direction: int, count: int, seed: int, *, views: int = VIEWS) -> np.ndarray:
    """(n, V, F): photos that have more of one feature, the views of a photo close together."""
    random = np.random.default_rng(seed)
    photos = 1.0 + random.normal(size=(count, 1, FEATURES)) * np.linspace(2.0, 0.2, FEATURES)
    photos[..., direction] += 2.0
    return unit(photos + random.normal(0, 0.05, (count, views, FEATURES)))


def none_of() -> np.ndarray:
    return np.empty((0, VIEWS, FEATURES), np.float32)


def scores_of(fitted: FittedTag, features: np.ndarray) -> np.ndarray:
    return fitted.calibration.scores(features @ fitted.w)


def area(positives: np.ndarray, negatives: np.ndarray) -> float:
    return float((positives[:, None] > negatives[None]).mean())


def test_it_tells_new_photos_of_the_tag_from_others():
    fitted = fit_tag(photos_of(-1, 20, seed=1), none_of(), background())

    new, others = photos_of(-1, 200, seed=2)[:, 0], background(seed=3)
    assert area(scores_of(fitted, new), scores_of(fitted, others)) > 0.97
    for profile in PROFILES:
        assert fitted.calibration.thresholds[profile] >= FLOOR[profile]
    assert (scores_of(fitted, new) >= fitted.calibration.thresholds["balanced"]).mean() > 0.5
    assert (scores_of(fitted, others) >= fitted.calibration.thresholds["balanced"]).mean() < 0.05


def test_more_examples_are_better():
    new, others = photos_of(3, 300, seed=2)[:, 0], background(seed=3)

    def quality(count: int) -> float:
        fits = [fit_tag(photos_of(3, count, seed=seed), none_of(), background()) for seed in range(10, 18)]
        return float(np.mean([area(scores_of(fit, new), scores_of(fit, others)) for fit in fits]))

    assert quality(3) < quality(12) < quality(60)


def test_the_separation_is_what_new_photos_will_show():
    examples = photos_of(5, 40, seed=1)
    fitted = fit_tag(examples, none_of(), background())

    new, others = photos_of(5, 400, seed=2)[:, 0], background(seed=3)
    assert fitted.separation == pytest.approx(area(scores_of(fitted, new), scores_of(fitted, others)), abs=0.06)


def test_examples_without_anything_in_common_separate_badly():
    random = background(24, seed=9)[:, None].repeat(VIEWS, axis=1)

    assert fit_tag(random, none_of(), background()).separation < 0.7


def test_counterexamples_tell_it_from_what_looks_like_it():
    examples = photos_of(-1, 20, seed=1)
    looks_like_it = photos_of(-1, 220, seed=4)
    looks_like_it[..., -2] += 0.4
    looks_like_it = unit(looks_like_it)
    new, against = photos_of(-1, 200, seed=2)[:, 0], looks_like_it[20:, 0]

    without = fit_tag(examples, none_of(), background())
    with_them = fit_tag(examples, looks_like_it[:20], background())

    assert area(new @ with_them.w, against @ with_them.w) > area(new @ without.w, against @ without.w) + 0.02


def test_a_few_photos_of_the_tag_in_the_background_do_little_harm():
    examples, clean = photos_of(-1, 20, seed=1), background()
    mixed = np.concatenate([clean[10:], photos_of(-1, 10, seed=8)[:, 0]])
    new, others = photos_of(-1, 200, seed=2)[:, 0], background(seed=3)

    one, other = (fit_tag(examples, none_of(), bank) for bank in (clean, mixed))

    assert area(new @ other.w, others @ other.w) > area(new @ one.w, others @ one.w) - 0.02


def test_it_gives_the_same_twice():
    one, other = (fit_tag(photos_of(2, 8, seed=1), photos_of(1, 3, seed=2), background()) for _ in range(2))

    np.testing.assert_array_equal(one.w, other.w)
    assert one.calibration.one(0) == other.calibration.one(0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_examples_are_refused(count):
    with pytest.raises(NewTagError, match=f"at least 3 different example photos, got {count}"):
        fit_tag(photos_of(0, count, seed=0), none_of(), background())


def test_parts_are_taken_to_vary_without_regard_to_each_other():
    """With two parts, the weights of each are those that it would have alone, but for the common scale."""
    examples, bank = photos_of(2, 12, seed=1), background()
    half = FEATURES // 2

    both = fit_tag(examples, none_of(), bank, parts=(half, half)).w
    first = fit_tag(examples[..., :half], none_of()[..., :half], bank[:, :half]).w

    np.testing.assert_allclose(both[:half] / np.linalg.norm(both[:half]), first / np.linalg.norm(first), atol=1e-5)
    assert not np.allclose(both, fit_tag(examples, none_of(), bank).w, atol=1e-3)


def test_the_curve_does_not_depend_on_where_the_background_lies():
    examples, bank = photos_of(-1, 20, seed=1), background()
    shift = np.full(FEATURES, 5, np.float32)

    one, other = fit_tag(examples, none_of(), bank), fit_tag(examples + shift, none_of() + shift, bank + shift)

    np.testing.assert_allclose(scores_of(other, bank + shift), scores_of(one, bank), atol=2e-3)


def trust(*, precision: float = 2.0) -> Trust:
    """The same curve for every tag."""
    curves = np.zeros((2, SIGNS + 1), np.float32)
    curves[:, 0] = 1.5, -3
    promises = np.zeros((2, SIGNS + 1), np.float32)
    promises[0, 0] = precision
    thresholds = dict.fromkeys(PROFILES, 0.5)
    return Trust(np.zeros(SIGNS, np.float32), np.ones(SIGNS, np.float32), curves, promises, thresholds, 50)


def test_with_trust_the_curve_is_that_of_tags_that_were_tried():
    fitted = fit_tag(photos_of(-1, 20, seed=1), none_of(), background(), trust=trust())

    values = background() @ fitted.w
    in_deviations = (values - values.mean()) / values.std()
    expected = 1 / (1 + np.exp(3 - 1.5 * in_deviations))
    np.testing.assert_allclose(scores_of(fitted, background()), expected, atol=1e-3)
    assert fitted.promise.precision == pytest.approx(1 / (1 + np.exp(-2)))
    assert fitted.examples == 20


def test_a_tag_of_which_little_is_promised_is_weak():
    good, bad = (
        fit_tag(photos_of(-1, 20, seed=1), none_of(), background(), trust=trust(precision=logit)) for logit in (2, -1)
    )

    assert not is_weak(good)
    assert is_weak(bad)


def test_a_threshold_keeps_its_promise_on_the_own_counterexamples():
    """They look like the examples, and the tag cannot tell them apart."""
    shown, unlike = photos_of(-1, 20, seed=1), photos_of(-1, 40, seed=2)

    alone = fit_tag(shown, none_of(), background(), trust=trust())
    told = fit_tag(shown, unlike, background(), trust=trust())

    assert told.calibration.thresholds["balanced"] > alone.calibration.thresholds["balanced"]
    row = fit_row(shown, unlike, Backdrop.of(background()))
    slope, bias = 1.5 / row.scale, -3 - 1.5 * row.middle / row.scale
    taken = [
        slope * values + bias
        >= np.log(told.calibration.thresholds["balanced"] / (1 - told.calibration.thresholds["balanced"]))
        for values in (row.examples, row.counterexamples)
    ]
    assert taken[0].sum() >= OWN_PRECISION["balanced"] * (taken[0].sum() + taken[1].sum())


def test_an_example_is_left_out_of_the_row_that_judges_it():
    """Twelve photos without anything in common: in the fit each stands out, left out none does."""
    random = background(12, seed=9)[:, None].repeat(VIEWS, axis=1)
    row = fit_row(random, none_of(), Backdrop.of(background()))

    fitted = (random[:, 0] - background().mean(axis=0)) @ row.w
    assert row.examples.mean() < fitted.mean() - 0.5


def test_many_fits_against_one_backdrop_are_those_of_one_each():
    backdrop = Backdrop.of(background(), (16, 8)).for_many()

    one = fit_tag(photos_of(-1, 10, seed=1), none_of(), background(), parts=(16, 8))
    of_many = fit_tag(photos_of(-1, 10, seed=1), none_of(), backdrop)

    np.testing.assert_allclose(of_many.w, one.w, rtol=1e-2, atol=1e-3)

"""Calibration and thresholds of a finished head, and how much less they are worth on photos they were not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.operating_point import calibrate, cross_fit, score
from vectortag.core.numerics import sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.metrics import calibration_error, count
from vectortag.model.calibration import COMMONEST, FLOOR, PROFILES, Calibration, fit_thresholds
from vectortag.model.class_groups import Borrowed
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.manifest import OperatingPoint
from vectortag.model.taxonomy import Taxonomy

FLAT = Hierarchy({})


def overconfident(photos: int = 400, tags: int = 6, seed: int = 0) -> tuple[FloatArray, ByteArray]:
    """Logits whose truth is drawn at a third of them, less 1: too sure of themselves, and too high."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, (photos, tags)).astype(np.float32)
    return logits, (generator.random(logits.shape) < sigmoid(logits / 3 - 1)).astype(np.uint8)


def scores_at(fitted: Calibration, logits: FloatArray, hierarchy: Hierarchy = FLAT) -> FloatArray:
    return score(logits, fitted, hierarchy)


def stored(calibration: Calibration) -> OperatingPoint:
    return OperatingPoint.of(32, calibration)


class TestBorrowed:
    """Two taught tags and three that no photo has taught: one that validation never judges, one rarely, one often."""

    BORROWED = Borrowed(2, Calibration.of_one(0.5, -2.0, {"precise": 0.8, "balanced": 0.6, "thorough": 0.4}))

    @pytest.fixture
    def fitted(self) -> Calibration:
        logits, targets = overconfident(tags=5)
        targets[:, 2] = UNKNOWN
        targets[np.flatnonzero(targets[:, 3] == 1)[4:], 3] = 0
        return calibrate(logits, targets, FLAT, borrowed=self.BORROWED)

    def test_what_nobody_judges_has_the_borrowed_curve(self, fitted: Calibration):
        assert (fitted.slope[2], fitted.bias[2]) == (0.5, -2.0)

    def test_what_is_judged_is_drawn_from_it_to_a_curve_of_its_own(self, fitted: Calibration):
        assert 1 / 3 < fitted.slope[4] < 0.45
        assert fitted.bias[4] == pytest.approx(-1.2, abs=0.2)

    def test_thresholds_are_borrowed_below_five_positives(self, fitted: Calibration):
        for profile, threshold in self.BORROWED.calibration.thresholds.items():
            chosen = fitted.thresholds[profile]
            assert chosen[[2, 3]].tolist() == pytest.approx([threshold[0]] * 2)
            assert chosen[4] != pytest.approx(threshold[0])

    def test_the_taught_tags_stay_as_they_are_without_them(self, fitted: Calibration):
        logits, targets = overconfident(tags=5)

        alone = calibrate(logits[:, :2], targets[:, :2], FLAT)

        np.testing.assert_array_equal(alone.slope, fitted.slope[:2])
        np.testing.assert_array_equal(alone.thresholds["balanced"], fitted.thresholds["balanced"][:2])


class TestCareful:
    def test_a_careful_tag_is_shown_only_where_nearly_all_are_right(self):
        logits, targets = overconfident()

        plain = calibrate(logits, targets, FLAT)
        careful = calibrate(logits, targets, FLAT, careful=[1, 4])

        scores = scores_at(careful, logits)
        for profile in ("precise", "balanced"):
            before, after = plain.thresholds[profile], careful.thresholds[profile]
            assert np.flatnonzero(before != after).tolist() == [1, 4]
            for tag in (1, 4):
                shown = scores[:, tag] >= after[tag]
                assert 0 < shown.sum() < (scores[:, tag] >= before[tag]).sum()
                assert targets[shown, tag].mean() >= 0.95
        assert stored(careful).thresholds["thorough"] == stored(plain).thresholds["thorough"]
        assert (stored(careful).slope, stored(careful).bias) == (stored(plain).slope, stored(plain).bias)

    def test_only_the_photos_that_can_be_judged_count(self):
        logits, targets = overconfident()
        half = targets.copy()
        half[200:, 1] = UNKNOWN

        threshold = calibrate(logits, half, FLAT, careful=[1]).thresholds["balanced"][1]

        alone = calibrate(logits[:200], targets[:200], FLAT, careful=[1])
        assert threshold == pytest.approx(alone.thresholds["balanced"][1], abs=0.01)

    def test_one_that_is_in_no_photo_is_never_shown(self):
        logits, targets = overconfident()
        targets[:, 1] = 0

        assert np.isnan(calibrate(logits, targets, FLAT, careful=[1]).thresholds["balanced"][1])

    def test_the_honest_figures_are_careful_too(self):
        logits, targets = overconfident(photos=4000)

        plain, careful = (cross_fit(logits, targets, FLAT, seed=1, careful=of) for of in ([], [1]))

        assert careful.decisions[:, 1].sum() < 0.8 * plain.decisions[:, 1].sum()
        np.testing.assert_array_equal(careful.decisions[:, 2:], plain.decisions[:, 2:])


class TestFit:
    def test_calibration_lowers_the_calibration_error(self):
        logits, targets = overconfident()

        after = scores_at(calibrate(logits, targets, FLAT), logits)

        before = calibration_error(sigmoid(logits).astype(np.float32), targets)
        assert calibration_error(after, targets) < 0.03 < 0.15 < before

    def test_it_finds_the_curve_that_the_truth_was_drawn_from(self):
        fitted = calibrate(*overconfident(photos=4000), FLAT)

        assert fitted.slope == pytest.approx([1 / 3] * 6, abs=0.05)
        assert fitted.bias == pytest.approx([-1] * 6, abs=0.15)

    def test_every_profile_has_the_best_thresholds_of_its_own_measure(self):
        logits, targets = overconfident()

        fitted = calibrate(logits, targets, FLAT)

        scores = scores_at(fitted, logits)
        for profile, beta in (("precise", 0.5), ("balanced", 1.0), ("thorough", 2.0)):
            best = fit_thresholds(scores, targets, beta=beta, commonest=COMMONEST[profile])
            expected = np.maximum(best, np.float32(FLOOR[profile]))
            np.testing.assert_array_equal(fitted.thresholds[profile], expected)

    def test_a_precise_threshold_is_never_below_a_thorough_one(self):
        fitted = calibrate(*overconfident(), FLAT)

        precise, balanced, thorough = (fitted.thresholds[profile] for profile in PROFILES)
        assert (precise >= balanced).all()
        assert (balanced >= thorough).all()
        assert (precise > thorough).any()

    def test_no_threshold_is_below_the_floor_of_its_profile(self):
        logits = np.random.default_rng(0).normal(-4, 0.1, (200, 1)).astype(np.float32)
        targets = np.zeros((200, 1), np.uint8)
        targets[:4] = 1  # nothing tells them from the others, so that no score is much above 4 / 200

        fitted = calibrate(logits, targets, FLAT)

        assert fitted.one(0)[2] == pytest.approx(FLOOR)

    def test_a_tag_without_positives_has_no_threshold(self):
        logits, targets = overconfident()
        targets[:, 2] = 0

        fitted = calibrate(logits, targets, FLAT)

        for profile in PROFILES:
            assert np.isnan(fitted.thresholds[profile]).tolist() == [False] * 2 + [True] + [False] * 3

    def test_it_holds_a_number_for_each_tag(self):
        fitted = calibrate(*overconfident(), FLAT)

        assert {len(fitted.slope), len(fitted.bias), *map(len, fitted.thresholds.values())} == {6}

    def test_unknown_entries_change_nothing(self):
        logits, targets = overconfident()
        targets[::3, 1] = UNKNOWN
        others = np.where(targets == UNKNOWN, -logits, logits)

        assert stored(calibrate(logits, targets, FLAT)) == stored(calibrate(others, targets, FLAT))


class TestParents:
    TAGS = ("dog", "animal")
    HIERARCHY = Hierarchy.of(TAGS, Taxonomy(implications={"dog": ["animal"]}))

    def test_a_tag_whose_absence_nobody_knows_lives_by_its_children(self):
        logits, targets = overconfident(tags=2)
        targets[:, 1] = np.where(targets[:, 0] == 1, 1, UNKNOWN)

        fitted = calibrate(logits, targets, self.HIERARCHY)

        scores = scores_at(fitted, logits, self.HIERARCHY)
        np.testing.assert_array_equal(scores[:, 1], scores[:, 0])
        assert scores_at(fitted, logits)[:, 1].max() < 1e-8

    def test_its_threshold_takes_silence_for_absence(self):
        logits, targets = overconfident(tags=2)
        targets[:, 1] = np.where(targets[:, 0] == 1, 1, UNKNOWN)

        fitted = calibrate(logits, targets, self.HIERARCHY)

        for profile in PROFILES:
            assert fitted.thresholds[profile][1] == fitted.thresholds[profile][0]

    def test_thresholds_are_chosen_on_raised_scores(self):
        """Every animal is a dog and the model never says "animal" by itself: its threshold is the dog's."""
        logits, targets = overconfident(tags=2)
        logits[:, 1], targets[:, 1] = -30, targets[:, 0]

        fitted = calibrate(logits, targets, self.HIERARCHY)

        assert fitted.thresholds["balanced"][1] == pytest.approx(fitted.thresholds["balanced"][0], abs=0.02)


class TestCrossFitting:
    def test_it_is_close_to_the_truth_where_there_is_much_data(self):
        """Fitted on half of 4,000 photos, the figures are those that a fit on all gives to new photos."""
        logits, targets = overconfident(photos=4000)
        fresh_logits, fresh_targets = overconfident(photos=4000, seed=1)
        fitted = calibrate(logits, targets, FLAT)
        fresh = count(scores_at(fitted, fresh_logits) >= fitted.thresholds["balanced"], fresh_targets)

        figures = cross_fit(logits, targets, FLAT, seed=1).summary()

        assert figures["micro_f1"] == pytest.approx(fresh.micro_f1, abs=0.02)
        assert figures["macro_f1"] == pytest.approx(fresh.macro_f1, abs=0.02)
        assert figures["calibration_error"] < 0.02
        assert figures["calibration_error_before"] > 0.15

    @pytest.mark.parametrize("seed", range(5))
    def test_on_noise_it_is_worse_than_a_fit_judged_on_its_own_photos(self, seed):
        generator = np.random.default_rng(seed)
        logits = generator.normal(0, 1, (60, 30)).astype(np.float32)
        targets = (generator.random((60, 30)) < 0.6).astype(np.uint8)
        fitted = calibrate(logits, targets, FLAT)
        flattering = count(scores_at(fitted, logits) >= fitted.thresholds["balanced"], targets)

        figures = cross_fit(logits, targets, FLAT, seed=seed).summary()

        assert 0 < figures["micro_f1"] < flattering.micro_f1 - 0.02
        assert 0 < figures["macro_f1"] < flattering.macro_f1 - 0.02

    def test_the_seed_decides_the_halves(self):
        logits, targets = overconfident(photos=60)

        figures = [cross_fit(logits, targets, FLAT, seed=seed).summary() for seed in (1, 1, 2)]

        assert figures[0] == figures[1] != figures[2]

    def test_a_tag_whose_absence_nobody_knows_is_not_judged(self):
        logits, targets = overconfident(tags=3)
        targets[:, 2] = np.where(targets[:, 2] == 1, 1, UNKNOWN)

        figures, without = (cross_fit(logits, of, FLAT, seed=1).summary() for of in (targets, judgeable(targets)))

        assert (figures["micro_f1"], figures["macro_f1"]) == pytest.approx(
            (without["micro_f1"], without["macro_f1"]), abs=0.01
        )
        assert figures["calibration_error_before"] == without["calibration_error_before"]

    def test_each_set_judges_by_what_it_knows_itself(self):
        logits, targets = overconfident(tags=3)
        targets[200:, 2] = np.where(targets[200:, 2] == 1, 1, UNKNOWN)
        sets = np.repeat(["one", "two"], 200)

        cross = cross_fit(logits, targets, FLAT, seed=1, sets=sets)

        np.testing.assert_array_equal(cross.targets[:200], targets[:200])
        assert (cross.targets[200:, 2] == UNKNOWN).all()
        np.testing.assert_array_equal(cross.scores, cross_fit(logits, targets, FLAT, seed=1).scores)

    def test_each_tag_has_the_figures_of_its_column(self):
        logits, targets = overconfident(tags=3)
        targets[::4, 0] = UNKNOWN
        cross = cross_fit(logits, targets, FLAT, seed=1)

        figures = cross.per_tag()

        for tag in range(3):
            known = targets[:, tag] != UNKNOWN
            truth, decided = targets[known, tag] == 1, cross.decisions[known, tag]
            assert figures["photos"][tag] == truth.sum()
            assert figures["precision"][tag] == pytest.approx(truth[decided].mean(), abs=1e-4)
            assert figures["recall"][tag] == pytest.approx(decided[truth].mean(), abs=1e-4)
            for name, scores in (("calibration_error_before", cross.raw), ("calibration_error", cross.scores)):
                error = calibration_error(scores[known][:, [tag]], targets[known][:, [tag]])
                assert figures[name][tag] == pytest.approx(error, abs=1e-4)
        assert max(figures["calibration_error"]) < 0.1 < min(figures["calibration_error_before"])

    def test_what_a_tag_has_no_figure_for_is_not_a_number(self):
        logits, targets = overconfident(tags=2)
        targets[:, 1] = 0

        figures = cross_fit(logits, targets, FLAT, seed=1).per_tag()

        assert figures["photos"][1] == 0
        assert np.isnan([figures["precision"][1], figures["recall"][1]]).all()

    def test_the_bins_of_reliability_are_those_before_and_after(self):
        logits, targets = overconfident(photos=4000)

        bins = cross_fit(logits, targets, FLAT, seed=1).reliability()

        off = {name: np.nanmax(np.abs(np.subtract(of["score"], of["share"]))) for name, of in bins.items()}
        assert sum(bins["before"]["entries"]) == sum(bins["after"]["entries"]) == logits.size
        assert off["after"] < 0.1 < 0.3 < off["before"]

"""Metrics against scikit-learn and against plain loops, on scores with ties and targets with gaps."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, precision_score, recall_score

from vectortag.core.errors import ShapeError
from vectortag.core.types import UNKNOWN
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.metrics import (
    BINS,
    AtFive,
    at_k,
    average_precision,
    best_and_worst,
    calibration_error,
    calibration_error_per_tag,
    count,
    highest_micro_f1,
    mean_over_tags,
    rank_tags,
    reliability,
    top_k,
)

SEEDS = range(8)


def random_case(seed: int, photos: int = 60, tags: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties (multiples of 1/8) in even cases; targets of which a fifth is unknown.

    The last tag has no positives.
    """
    generator = np.random.default_rng(seed)
    scores = generator.random((photos, tags)).astype(np.float32)
    targets = (generator.random((photos, tags)) < 0.6 * scores).astype(np.uint8)
    targets[:, -1] = 0
    targets[generator.random((photos, tags)) < 0.2] = UNKNOWN
    return (np.round(scores * 8) / 8 if seed % 2 == 0 else scores), targets


def known_column(array: np.ndarray, targets: np.ndarray, tag: int) -> np.ndarray:
    return array[targets[:, tag] != UNKNOWN, tag]


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_is_that_of_scikit_learn(seed):
    scores, targets = random_case(seed)

    expected = [
        average_precision_score(known_column(targets, targets, tag), known_column(scores, targets, tag))
        for tag in range(6)
    ]

    np.testing.assert_allclose(average_precision(scores, targets)[:6], expected, rtol=1e-9)


def test_average_precision_of_one_single_score_is_the_share_of_positives():
    targets = np.uint8([[1], [0], [0], [UNKNOWN], [0]])

    assert average_precision(np.full((5, 1), 0.5, np.float32), targets) == pytest.approx(0.25)


@pytest.mark.parametrize("column", [[0, 0, 0], [1, 1, UNKNOWN], [UNKNOWN] * 3])
def test_average_precision_says_nothing_without_both_kinds(column):
    scores, targets = np.float32([[0.3], [0.2], [0.1]]), np.uint8(column)[:, None]

    assert np.isnan(average_precision(scores, targets)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_precision_recall_and_f1_of_each_tag_are_those_of_scikit_learn(seed):
    scores, targets = random_case(seed)
    predicted = scores >= 0.5

    counts = count(predicted, targets)

    for values, reference in [
        (counts.precision, precision_score),
        (counts.recall, recall_score),
        (counts.f1, f1_score),
    ]:
        expected = [
            reference(known_column(targets, targets, tag), known_column(predicted, targets, tag), zero_division=0)
            for tag in range(7)
        ]
        np.testing.assert_allclose(values, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_highest_micro_f1_is_the_best_of_scikit_learns_curve(seed):
    scores, targets = random_case(seed)
    known = targets != UNKNOWN

    precision, recall, _ = precision_recall_curve(targets[known], scores[known])
    expected = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert highest_micro_f1(scores, targets) == pytest.approx(expected)


def test_without_a_positive_there_is_no_highest_f1():
    assert np.isnan(highest_micro_f1(np.float32([[0.5]]), np.uint8([[0]])))


@pytest.mark.parametrize("seed", SEEDS)
def test_micro_f1_is_that_of_scikit_learn_over_the_known_entries(seed):
    scores, targets = random_case(seed)
    predicted, known = scores >= 0.5, targets != UNKNOWN

    assert count(predicted, targets).micro_f1 == pytest.approx(f1_score(targets[known], predicted[known]))


@pytest.mark.parametrize("seed", SEEDS)
def test_macro_f1_is_that_of_scikit_learn_over_the_tags_with_positives(seed):
    scores, targets = random_case(seed)
    targets[targets == UNKNOWN] = 0
    predicted = scores >= 0.5

    assert count(predicted, targets).macro_f1 == pytest.approx(
        f1_score(targets[:, :6], predicted[:, :6], average="macro", zero_division=0)
    )


def test_f1_without_any_positive_is_no_number_over_tags_and_zero_over_entries():
    counts = count(np.ones((3, 2), bool), np.zeros((3, 2), np.uint8))

    assert np.isnan(counts.macro_f1)
    assert counts.micro_f1 == 0


def figures_at(scores: np.ndarray, targets: np.ndarray, k: int) -> tuple[float, float, float, int]:
    """The annotation literature's four figures, one photo and one tag at a time."""
    photos, tags = targets.shape
    given: list[set[int]] = []
    for photo in range(photos):
        candidates = [tag for tag in range(tags) if targets[photo, tag] != UNKNOWN]
        given.append(set(sorted(candidates, key=lambda tag: (-scores[photo, tag], tag))[:k]))
    precisions, recalls = [], []
    for tag in range(tags):
        having = {photo for photo in range(photos) if targets[photo, tag] == 1}
        if having:
            receiving = {photo for photo in range(photos) if tag in given[photo]}
            right = len(having & receiving)
            precisions.append(Fraction(right, len(receiving)) if receiving else Fraction(0))
            recalls.append(Fraction(right, len(having)))
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else Fraction(0)
    return float(precision), float(recall), float(f1), sum(value > 0 for value in recalls)


@pytest.mark.parametrize("k", [1, 3, 5, 20])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_figures_at_k_are_those_of_a_plain_loop(seed, k):
    scores, targets = random_case(seed, tags=12)

    figures = at_k(scores, targets, k)

    assert (figures.precision, figures.recall, figures.f1, figures.n_plus) == pytest.approx(
        figures_at(scores, targets, k)
    )


def test_the_figures_at_k_are_zero_where_no_tag_is_right():
    scores, targets = np.float32([[0.9, 0.1], [0.8, 0.2]]), np.uint8([[0, 1], [0, 1]])

    assert at_k(scores, targets, 1) == AtFive(precision=0, recall=0, f1=0, n_plus=0)


def test_the_figures_at_k_are_no_numbers_where_no_tag_has_positives():
    figures = at_k(np.ones((2, 3), np.float32), np.uint8([[0, 0, UNKNOWN]] * 2))

    assert np.isnan([figures.precision, figures.recall, figures.f1]).all()
    assert figures.n_plus == 0


def test_top_k_takes_the_highest_of_the_known_tags_and_the_first_of_equal_ones():
    scores = np.float32([[0.9, 0.5, 0.5, 0.7], [0.1, 0.2, 0.3, 0.4]])
    targets = np.uint8([[UNKNOWN, 0, 1, 0], [UNKNOWN, UNKNOWN, UNKNOWN, 0]])

    np.testing.assert_array_equal(top_k(scores, targets, 2), [[False, True, False, True], [False, False, False, True]])


def binned_error(scores: list[float], targets: list[int], bins: int) -> float:
    """Expected calibration error, entry by entry."""
    entries: list[list[tuple[float, int]]] = [[] for _ in range(bins)]
    for score, target in zip(scores, targets, strict=True):
        entries[min(int(np.float32(score) * bins), bins - 1)].append((score, target))
    error = 0.0
    for entry in filter(None, entries):
        mean_score = sum(score for score, _ in entry) / len(entry)
        share = sum(target for _, target in entry) / len(entry)
        error += len(entry) / len(scores) * abs(mean_score - share)
    return error


@pytest.mark.parametrize("bins", [1, 10, BINS])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_calibration_error_is_that_of_a_plain_loop(seed, bins):
    scores, targets = random_case(seed)
    known = targets != UNKNOWN

    overall = binned_error(scores[known].tolist(), targets[known].tolist(), bins)
    per_tag = [
        binned_error(known_column(scores, targets, tag).tolist(), known_column(targets, targets, tag).tolist(), bins)
        for tag in range(7)
    ]

    assert calibration_error(scores, targets, bins=bins) == pytest.approx(overall, abs=1e-6)
    np.testing.assert_allclose(calibration_error_per_tag(scores, targets, bins=bins), per_tag, atol=1e-6)


def test_sure_and_right_has_no_calibration_error_and_sure_and_wrong_has_all():
    targets = np.uint8([[1, 0], [0, 1]])

    assert calibration_error(targets.astype(np.float32), targets) == 0
    assert calibration_error(1 - targets.astype(np.float32), targets) == 1


def test_a_score_of_one_belongs_to_the_last_bin():
    scores, targets = np.float32([[1.0], [0.75]]), np.uint8([[0], [1]])

    assert calibration_error(scores, targets, bins=2) == (1.0 - 0.25) / 2


def test_where_nothing_is_known_there_is_no_calibration_error():
    scores, targets = np.ones((2, 2), np.float32), np.uint8([[UNKNOWN, 1], [UNKNOWN, 1]])

    np.testing.assert_array_equal(calibration_error_per_tag(scores, targets), [np.nan, 0])
    assert np.isnan(calibration_error(scores, np.full_like(targets, UNKNOWN)))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "average precision": average_precision,
    "counts": lambda scores, targets: count(scores >= 0.5, targets),
    "top k": lambda scores, targets: top_k(scores, targets, 3),
    "figures at k": lambda scores, targets: at_k(scores, targets, 3),
    "calibration error": calibration_error,
    "calibration error per tag": calibration_error_per_tag,
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_scores_of_unknown_entries_count_for_nothing(metric, value):
    scores, targets = random_case(1)
    moved = np.where(targets == UNKNOWN, np.float32(value), scores)

    assert repr(metric(moved, targets)) == repr(metric(scores, targets))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize("shape", [(4, 3), (5, 2), (4,)])
def test_two_shapes_are_refused(metric, shape):
    with pytest.raises(ShapeError, match=r"expected scores and targets of one shape \(N, T\), got \(4, 2\) and"):
        metric(np.zeros((4, 2), np.float32), np.zeros(shape, np.uint8))


def test_the_mean_over_tags_leaves_out_those_without_a_value():
    assert mean_over_tags(np.array([0.25, np.nan, 0.75])) == 0.5
    assert np.isnan(mean_over_tags(np.array([np.nan, np.nan])))


class TestReliability:
    def test_the_bins_are_those_of_scikit_learn(self):
        scores, targets = random_case(1)
        known = targets != UNKNOWN

        bins = reliability(scores, targets, bins=5)

        share, score = calibration_curve(targets[known], scores[known], n_bins=5)
        np.testing.assert_allclose(bins.share, share)
        np.testing.assert_allclose(bins.score, score)
        assert bins.entries.sum() == known.sum()

    def test_the_gaps_of_the_bins_make_the_calibration_error(self):
        scores, targets = random_case(1)

        bins = reliability(scores, targets)

        gaps = np.abs(bins.score - bins.share) * bins.entries
        assert gaps.sum() / bins.entries.sum() == pytest.approx(calibration_error(scores, targets), abs=1e-6)

    def test_an_empty_bin_has_no_share(self):
        bins = reliability(np.float32([[0.1, 1.0]]), np.uint8([[0, 1]]), bins=4)

        assert bins.entries.tolist() == [1, 0, 0, 1]
        np.testing.assert_allclose(bins.share, [0, np.nan, np.nan, 1])
        np.testing.assert_allclose(bins.score, [0.1, np.nan, np.nan, 1], rtol=1e-6)

    def test_unknown_entries_change_nothing(self):
        scores, targets = random_case(1)

        np.testing.assert_array_equal(
            reliability(scores, targets).entries,
            reliability(np.where(targets == UNKNOWN, 1 - scores, scores), targets).entries,
        )


class TestRanking:
    positives = np.array([5, 5, 1, 0])

    def test_tags_of_enough_photos_are_ranked_by_average_precision(self):
        assert rank_tags(np.array([0.3, 0.8, 0.9, np.nan]), self.positives) == [1, 0]

    def test_where_fewer_than_two_have_enough_all_are_ranked(self):
        assert rank_tags(np.array([0.3, np.nan, 0.9, np.nan]), self.positives) == [2, 0]

    @pytest.mark.parametrize(
        ("ranked", "best", "worst"),
        [(range(9), [0, 1, 2], [6, 7, 8]), (range(5), [0, 1, 2], [3, 4]), ([4], [4], []), ([], [], [])],
    )
    def test_best_and_worst_have_nothing_in_common(self, ranked, best, worst):
        assert best_and_worst(list(ranked), 3) == (best, worst)


class TestJudgeable:
    targets = np.uint8([[1, 0], [0, 1], [1, 1], [1, UNKNOWN]])

    def test_a_tag_whose_absence_is_never_known_is_unknown(self):
        assert judgeable(self.targets[2:]).tolist() == [[UNKNOWN] * 2] * 2
        assert judgeable(self.targets).tolist() == self.targets.tolist()

    def test_each_set_judges_by_what_it_knows_itself(self):
        sets = np.array(["two", "two", "one", "one"])

        assert judgeable(self.targets, sets).tolist() == [[1, 0], [0, 1], [UNKNOWN] * 2, [UNKNOWN] * 2]

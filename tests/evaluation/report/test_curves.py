"""The arrays behind the figures of a report, against scikit-learn and against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from vectortag.core.errors import ShapeError
from vectortag.core.types import UNKNOWN
from vectortag.evaluation.report.curves import FEWEST_PHOTOS, co_occurrence, most_frequent, precision_recall


def random_case(seed: int = 0, *, photos: int = 80, tags: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, and targets of which a third is unknown."""
    generator = np.random.default_rng(seed)
    scores = generator.random((photos, tags)).round(2).astype(np.float32)
    return scores, generator.choice(np.uint8([0, 1, UNKNOWN]), (photos, tags))


def hidden(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The scores with others in the place of unknown entries."""
    return np.where(targets == UNKNOWN, 1 - scores, scores)


class TestPrecisionRecall:
    @pytest.mark.parametrize("seed", range(3))
    def test_the_curve_is_that_of_scikit_learn_over_all_known_entries(self, seed: int):
        scores, targets = random_case(seed)
        known = targets != UNKNOWN

        curve = precision_recall(scores, targets)

        precision, recall, _ = precision_recall_curve(targets[known], scores[known])
        np.testing.assert_allclose(curve.precision, precision[-2::-1])  # its last point, (1, 0), has no threshold
        np.testing.assert_allclose(curve.recall, recall[-2::-1])

    def test_unknown_entries_change_nothing(self):
        scores, targets = random_case()

        one, other = precision_recall(scores, targets), precision_recall(hidden(scores, targets), targets)

        np.testing.assert_array_equal(one.precision, other.precision)

    @pytest.mark.parametrize("value", [0, UNKNOWN])
    def test_without_a_positive_there_is_no_curve(self, value: int):
        curve = precision_recall(np.zeros((3, 2), np.float32), np.full((3, 2), value, np.uint8))

        assert (len(curve.precision), len(curve.recall)) == (0, 0)

    def test_arrays_that_do_not_fit_are_an_error(self):
        with pytest.raises(ShapeError):
            precision_recall(np.zeros((3, 2), np.float32), np.zeros((2, 2), np.uint8))


class TestTagsTogether:
    def test_the_most_frequent_tags_come_first_and_ties_keep_their_order(self):
        targets = np.uint8([[0, 1, 1, UNKNOWN, 1], [0, 0, 1, UNKNOWN, 1], [UNKNOWN, 0, 1, 1, 1]])

        assert most_frequent(targets, 10).tolist() == [2, 4, 1, 3]
        assert most_frequent(targets, 2).tolist() == [2, 4]

    def test_shares_are_those_of_a_loop_over_the_photos_that_know_both(self):
        _, targets = random_case(photos=40)
        places = np.array([5, 0, 3])

        shares = co_occurrence(targets, places)

        for row, one in enumerate(places):
            for column, other in enumerate(places):
                judged = [photo[other] for photo in targets if photo[one] == 1 and photo[other] != UNKNOWN]
                assert len(judged) >= FEWEST_PHOTOS
                expected = float("nan") if one == other else np.mean(judged)
                assert shares[row, column] == pytest.approx(expected, nan_ok=True)

    @pytest.mark.parametrize(("photos", "share"), [(FEWEST_PHOTOS, 1.0), (FEWEST_PHOTOS - 1, float("nan"))])
    def test_of_too_few_photos_there_is_no_share(self, photos: int, share: float):
        shares = co_occurrence(np.ones((photos, 2), np.uint8), np.array([0, 1]))

        assert shares[0, 1] == pytest.approx(share, nan_ok=True)

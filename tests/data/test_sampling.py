"""Weights and subsamples in which rare tags have more than their share."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.core.types import UNKNOWN
from vectortag.data.sampling import rarity_weights, subsample


@pytest.fixture
def targets() -> np.ndarray:
    """(300, 3): a tag that all photos but ten have, one that the last nine have too, one that nobody knows."""
    targets = np.zeros((300, 3), np.uint8)
    targets[10:, 0], targets[-9:, 1], targets[:, 2] = 1, 1, UNKNOWN
    return targets


class TestWeights:
    def test_they_sum_to_1(self, targets):
        assert rarity_weights(targets).sum() == pytest.approx(1)

    def test_they_go_as_one_over_the_root_of_how_many_have_the_rarest_tag(self, targets):
        weights = rarity_weights(targets)

        assert weights[-1] / weights[100] == pytest.approx(np.sqrt(290 / 9))
        assert len(set(weights[-9:])) == len(set(weights[10:-9])) == 1

    def test_a_photo_without_tags_weighs_as_one_of_the_most_frequent(self, targets):
        weights = rarity_weights(targets)

        assert weights[0] == weights[100]

    def test_unknown_is_no_tag(self, targets):
        np.testing.assert_array_equal(rarity_weights(targets), rarity_weights(targets[:, :2]))

    @pytest.mark.parametrize("value", [0, UNKNOWN])
    def test_without_any_tag_all_weigh_the_same(self, value):
        np.testing.assert_allclose(rarity_weights(np.full((4, 2), value, np.uint8)), 0.25)


class TestSubsample:
    def test_rows_are_distinct_in_order_and_as_many_as_asked_for(self, targets):
        rows = subsample(targets, 100, seed=1)

        assert len(rows) == 100
        assert (np.diff(rows) > 0).all()
        assert 0 <= rows[0] < rows[-1] < 300

    def test_the_seed_decides(self, targets):
        first, again, other = (subsample(targets, 100, seed=seed).tolist() for seed in (1, 1, 2))

        assert first == again != other

    @pytest.mark.parametrize("count", [300, 301, 200_000])
    def test_all_are_kept_where_there_are_no_more(self, targets, count):
        assert subsample(targets, count, seed=1).tolist() == list(range(300))

    def test_rare_tags_lose_fewer_photos_than_chance_would_take(self, targets):
        """A third is kept: three of nine by chance, with a standard deviation of 0.3 over the mean of 20 seeds."""
        kept = [int((targets[subsample(targets, 100, seed=seed), 1] == 1).sum()) for seed in range(20)]

        assert np.mean(kept) > 6
        assert min(kept) >= 4

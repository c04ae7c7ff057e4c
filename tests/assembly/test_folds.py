"""Folds: how they are drawn, and that a photo is judged by others alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vectortag.assembly.folds import folds_of, out_of_fold_scores
from vectortag.core.errors import ConfigError


class TestFolds:
    def test_they_are_of_nearly_equal_size_and_drawn_by_the_seed(self):
        folds = folds_of(22, folds=5, seed=3)

        assert sorted(Counter(folds.tolist()).values()) == [4, 4, 4, 5, 5]
        assert folds.tolist() == folds_of(22, folds=5, seed=3).tolist() != folds_of(22, folds=5, seed=4).tolist()

    def test_photos_of_one_picture_share_one(self):
        folds = folds_of(100, groups=[(1, 50, 99), (0, 2)])

        assert folds[1] == folds[50] == folds[99]
        assert folds[0] == folds[2]

    @pytest.mark.parametrize(("photos", "folds"), [(4, 5), (4, 1)])
    def test_each_has_a_photo_and_there_are_two(self, photos: int, folds: int):
        with pytest.raises(ConfigError, match=rf"folds: expected 2 to 4, the number of photos, got {folds}"):
            folds_of(photos, folds=folds)


def test_a_photo_is_judged_by_heads_of_the_other_folds(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(0)
    embeddings = random.normal(0, 1, (40, 8)).astype(np.float32)
    targets = (embeddings[:, :2] > 0).astype(np.uint8)
    folds = folds_of(40, folds=4)

    scores = out_of_fold_scores(embeddings, targets, folds, epochs=3)

    other = targets.copy()
    other[folds == 1] = 1 - other[folds == 1]
    again = out_of_fold_scores(embeddings, other, folds, epochs=3)
    ranks = [np.argsort(one[folds == 1], axis=0) for one in (scores, again)]
    np.testing.assert_array_equal(*ranks)  # calibration alone has changed

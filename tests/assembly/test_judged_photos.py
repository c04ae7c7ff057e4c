"""Tagged photos of many sources, and what is known of each."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.judged_photos import JudgedPhotos, _with_absent
from vectortag.core.types import UNKNOWN


@pytest.fixture
def photos() -> JudgedPhotos:
    """Ten photos of a set that judges, and 90 of one that does not."""
    sets = np.repeat([0, 1], [10, 90])
    labels = np.tile(np.uint8([[0, 1]]), (100, 1))
    return JudgedPhotos(
        ("dog", "sea"), ("a", "b"), np.zeros((100, 4), np.float32), labels, sets, np.arange(2), np.array([True, False])
    )


def test_as_many_photos_are_drawn_of_a_small_set_as_of_a_large_one(photos):
    drawn = photos.draw(16)

    assert np.bincount(photos.sets[drawn]).tolist() == [8, 8]
    assert (np.diff(drawn) > 0).all()
    assert np.bincount(photos.sets[photos.draw(40)]).tolist() == [10, 30]
    assert (photos.draw(5, among=photos.sets == 1) >= 10).all()


def test_labels_of_a_set_that_is_no_judge_are_not_known(photos):
    assert photos.judged(0).tolist() == [0] * 10 + [UNKNOWN] * 90


class Scores:
    """A tagger that gives the scores in the place of the photos."""

    thresholds = np.float32([0.6, np.nan])

    def scores(self, photos: np.ndarray) -> np.ndarray:
        return photos


def test_a_tag_is_absent_where_a_judge_denies_it_or_the_model_comes_nowhere_near_it():
    scores = np.float32([[0.5, 0.4], [0.1, 0.9], [0.5, 0.1], [0.1, 0.1]])
    labels = np.uint8([[0, 1], [0, UNKNOWN], [0, UNKNOWN], [UNKNOWN, 0]])
    judges = np.array([True, False, False, False])

    found = _with_absent(Scores(), scores, labels, judges)  # type: ignore[arg-type]

    assert found.tolist() == [[0, 1], [0, UNKNOWN], [UNKNOWN, 0], [0, 0]]

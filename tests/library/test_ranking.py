"""One order of several."""

from __future__ import annotations

import numpy as np

from vectortag.library.ranking import joined


def test_one_order_stays_as_it_is():
    cosines = np.float32([0.2, 0.9, 0.1])

    assert joined([cosines], np.array([True, True, False])) is cosines


def test_several_orders_count_alike_whatever_their_spread():
    wide, narrow = np.float32([0, 10, 20]), np.float32([0.02, 0.01, 0.0])

    np.testing.assert_allclose(joined([wide, narrow], np.ones(3, bool)), 0, atol=1e-5)


def test_only_the_photos_that_are_found_tell_the_spread():
    ranking, found = np.float32([1, 3, 1000]), np.array([True, True, False])

    np.testing.assert_allclose(joined([ranking, ranking], found)[:2], [-2, 2], rtol=1e-5)


def test_nothing_found_and_photos_that_are_all_alike_give_numbers():
    same = np.full(3, 0.5, np.float32)

    np.testing.assert_array_equal(joined([same, same], np.zeros(3, bool)), 0)
    np.testing.assert_array_equal(joined([same, same], np.ones(3, bool)), 0)

"""The line of a search."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.model.words.line import Line, line_signs, pack_line, unpack_line

RANDOM = np.random.default_rng(2)
DIRECTIONS = RANDOM.normal(0.1, [[0.3, 0.2, 0.1]], (500, 3)).astype(np.float32)
MIDDLE, SPREAD = DIRECTIONS.mean(axis=0), np.cov(DIRECTIONS.T).astype(np.float32)


def line(weights: list[float]) -> Line:
    return Line(MIDDLE, SPREAD, np.float32(weights), 0.8, 50)


def test_a_likeness_is_measured_in_deviations_of_photos_of_everything():
    query = np.float32([0.6, 0.8, 0])
    usual = DIRECTIONS @ query

    signs = line_signs(query, np.float32([0.5]), MIDDLE, SPREAD)[0]

    assert signs == pytest.approx([0.5, (0.5 - usual.mean()) / usual.std(ddof=1), usual.mean()], abs=1e-5)


def test_photos_stand_above_it_from_one_likeness_on():
    above = line([-0.4, 1, 0, 0]).is_above(np.float32([1, 0, 0]), np.float32([0.3, 0.39, 0.41, 0.9]))

    assert above.tolist() == [False, False, True, True]


def test_what_is_stored_comes_back():
    back = unpack_line(pack_line(line([-0.4, 1, 0.5, 0.25])), 3)

    assert back is not None
    assert (back.right, back.queries) == (pytest.approx(0.8), 50)
    np.testing.assert_array_equal(back.weights, np.float32([-0.4, 1, 0.5, 0.25]))
    np.testing.assert_allclose(back.spread, SPREAD, rtol=1e-3, atol=1e-5)


def test_a_line_of_another_width_is_refused():
    with pytest.raises(ValueError, match=r'"line.middle" has the shape \(3,\), expected \(4,\)'):
        unpack_line(pack_line(line([0, 1, 0, 0])), 4)

"""How sharp a heat map is: 1 for a single spot, 0 for an even one, and always in between."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from vectortag.core.types import Heatmap
from vectortag.inference.heatmap_drawing import sharpness


def with_warm_cells(count: int, value: float = 1.0) -> np.ndarray:
    """A 7 x 7 map in which so many cells are equally warm."""
    values = np.zeros(49, np.float32)
    values[:count] = value
    return values.reshape(7, 7)


def test_a_single_spot_is_as_sharp_as_can_be():
    assert sharpness(with_warm_cells(1)) == 1


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_an_even_map_is_not_sharp_at_all(value: float):
    assert sharpness(np.full((7, 7), value, np.float32)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("count", [2, 7, 48])
@pytest.mark.parametrize("value", [0.1, 1.0])
def test_it_falls_with_the_number_of_warm_cells_however_warm_they_are(count: int, value: float):
    assert sharpness(with_warm_cells(count, value)) == pytest.approx(1 - math.log(count) / math.log(49))


def test_where_the_spot_is_does_not_matter():
    values = np.random.default_rng(0).random((7, 7)).astype(np.float32)

    assert sharpness(values) == pytest.approx(sharpness(values[::-1, ::-1].T))


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=60))
def test_it_is_scipys_entropy_turned_round_and_lies_between_0_and_1(cells: list[float]):
    values = np.array([cells], np.float32)
    expected = 1 - entropy(values.ravel().astype(float)) / math.log(len(cells)) if values.any() else 0

    assert -1e-9 <= sharpness(values) <= 1
    assert sharpness(values) == pytest.approx(expected, abs=1e-9)


def test_a_map_of_one_cell_cannot_be_sharp():
    assert sharpness(np.float32([[1]])) == 0


def test_a_heatmap_is_as_sharp_as_its_values():
    values = with_warm_cells(3)

    assert sharpness(Heatmap(values, tag="sea", source="sea", score=0.5)) == sharpness(values)

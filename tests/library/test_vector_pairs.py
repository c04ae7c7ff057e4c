import numpy as np
import pytest

from vectortag.core.numerics import unit
from vectortag.library.vector_pairs import have_near
from vectortag.library.vectors import VectorMap


@pytest.mark.parametrize(("head", "sample"), [(1, 10), (3, 50), (256, 59), (256, 4096)])
def test_all_that_have_a_near_one_are_found_however_few_numbers_the_bound_has(monkeypatch, head, sample):
    monkeypatch.setattr("vectortag.library.vector_pairs.SAMPLE", sample)
    monkeypatch.setattr("vectortag.library.vector_pairs.HEAD", head)
    monkeypatch.setattr("vectortag.library.vector_pairs.BLOCK", 7)
    codes = np.random.default_rng(1).integers(-127, 128, (80, 7), np.int8)
    lengths = np.linalg.norm(codes.astype(np.float32), axis=1)
    vectors = VectorMap(codes, (1 / lengths).astype(np.float32), np.arange(80, dtype=np.uint64))
    rows = np.random.default_rng(2).permutation(80)[:60]
    cosines = unit(codes.astype(np.float32)) @ unit(codes.astype(np.float32)).T
    np.fill_diagonal(cosines, 0)

    found = have_near(vectors, rows, 0.8)

    assert found.tolist() == (cosines[np.ix_(rows, rows)].max(axis=1) >= 0.8).tolist()
    assert 5 < found.sum() < 55


def test_one_vector_has_none_near():
    assert have_near(VectorMap.empty(), np.empty(0, np.intp), 0.5).tolist() == []

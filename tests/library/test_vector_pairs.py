import numpy as np
import pytest

from vectortag.core.numerics import unit
from vectortag.library.vector_pairs import close_pairs
from vectortag.library.vectors import VectorMap


@pytest.mark.parametrize(("head", "sample"), [(1, 10), (3, 50), (256, 59), (256, 4096)])
def test_all_pairs_that_reach_the_limit_are_found_however_few_numbers_the_bound_has(monkeypatch, head, sample):
    monkeypatch.setattr("vectortag.library.vector_pairs.SAMPLE", sample)
    monkeypatch.setattr("vectortag.library.vector_pairs.HEAD", head)
    monkeypatch.setattr("vectortag.library.vector_pairs.BLOCK", 7)
    codes = np.random.default_rng(1).integers(-127, 128, (60, 5), np.int8)
    lengths = np.linalg.norm(codes.astype(np.float32), axis=1)
    vectors = VectorMap(codes, (1 / lengths).astype(np.float32), np.arange(60, dtype=np.uint64))
    cosines = unit(codes.astype(np.float32)) @ unit(codes.astype(np.float32)).T

    found = {tuple(pair) for pair in close_pairs(vectors, 0.8).tolist()}

    assert found == {(a, b) for a in range(60) for b in range(a + 1, 60) if cosines[a, b] >= 0.8}
    assert len(found) > 5


def test_fewer_than_two_vectors_have_no_pair():
    assert close_pairs(VectorMap.empty(), 0.5).shape == (0, 2)

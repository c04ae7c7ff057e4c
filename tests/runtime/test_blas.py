"""numpy's threads while photos are worked on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from vectortag.runtime.blas import one_thread
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import PixelRecipe


@pytest.fixture
def blas(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """blas(): how many threads numpy's BLAS library has; three to begin with."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    controller = ThreadpoolController().select(user_api="blas")
    if not controller.lib_controllers:
        pytest.skip("numpy was built without a BLAS library that can be found")
    numpys = [library for library in controller.info() if "numpy" in library["filepath"]] or controller.info()
    files = {library["filepath"] for library in numpys}  # scipy brings one of its own, as soon as it is imported
    with controller.limit(limits=3):
        yield lambda: {library["num_threads"] for library in controller.info() if library["filepath"] in files}


def test_it_has_one_inside_and_what_it_had_outside(blas):
    with one_thread():
        assert blas() == {1}
    assert blas() == {3}


def test_whoever_leaves_last_gives_them_back(blas):
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()

    first.__exit__(None, None, None)
    assert blas() == {1}

    second.__exit__(None, None, None)
    assert blas() == {3}


def test_an_error_gives_them_back(blas):
    with pytest.raises(ValueError, match="inside"), one_thread():
        raise ValueError("inside")
    assert blas() == {3}


def test_where_numpy_was_told_to_have_one_nothing_is_done(blas, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "OPENBLAS_NUM_THREADS", "1")

    with one_thread():
        assert blas() == {3}


def test_it_lasts_while_photos_come(blas, tagger):
    embedder = Embedder(tagger.embedder.session, PixelRecipe(), tagger.embedder.size)

    results = embedder.embed_many([np.zeros((8, 8, 3), np.uint8)] * 3)
    next(results)
    assert blas() == {1}

    results.close()
    assert blas() == {3}

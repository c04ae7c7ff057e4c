"""Which photos judge a tag: those of a fold that a head has not learnt, or the validation photos."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def across(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.across")


def targets_of(*counts: int, photos: int = 200) -> np.ndarray:
    """(200, T): so many photos have each tag, from the first on."""
    return np.stack([np.arange(photos) < count for count in counts], axis=1).astype(np.uint8)


def test_a_head_without_a_fold_is_asked_for_tags_that_other_folds_show_often(across):
    targets = np.concatenate([targets_of(100, 100, 10, 0), targets_of(80, 26, 24, 30)])
    left_out = np.arange(400) < 200

    taught = across._taught_without(targets, left_out)

    assert taught.tolist() == [True, False, False, True]


def test_rows_of_a_source_are_its_inputs_in_their_order(across, need_module):
    batches = need_module("vectortag.train.batches")
    source = batches.CachedViews((np.arange(10, dtype=np.float32)[:, None],), 0)
    some = across.RowsOf(source, np.array([7, 2, 5]))

    inputs = some.inputs(batches.Batch(0, 0, np.array([2, 0])))

    assert len(some) == 3
    assert inputs.flatten().tolist() == [5, 7]

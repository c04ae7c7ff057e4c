"""A data set of six photos, one of them broken, and shards of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.data.records import DataSet, read_data_set
from vectortag.data.shards.writing import write_shards

BROKEN = 4
"""Which photo, from 0."""


@pytest.fixture
def zoo(make_data_set: Callable[..., Path]) -> DataSet:
    """Six photos in a folder "zoo" that knows "dog" and "cat"; the fifth is none."""
    tags = {f"in/{number}.png": "dog, sea" if number % 2 else "cat" for number in range(6)}
    splits = {photo: "val" if photo == "in/1.png" else "train" for photo in tags}
    folder = make_data_set(tags, splits=splits, name="zoo")
    (folder / "known_tags.txt").write_text("dog\ncat\n")
    (folder / f"in/{BROKEN}.png").write_text("no photo")
    return read_data_set(folder)


@pytest.fixture
def shards(zoo: DataSet, tmp_path: Path) -> Path:
    """Three shards of two photos a piece, without loss."""
    write_shards(zoo, tmp_path / "shards", size=32, lossless=True, together=2)
    return tmp_path / "shards"

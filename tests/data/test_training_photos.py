"""The photos of a training: one interface for an array in the cache and for shards."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import TrainingError
from vectortag.data.records import Record, read_data_set
from vectortag.data.shards.reading import read_shards
from vectortag.data.shards.writing import write_shards
from vectortag.data.training_cache import prepared_photos
from vectortag.data.training_photos import StreamedPhotos, key_of, training_photos

SIZE = 32


@pytest.fixture
def folder(make_data_set: Callable[..., Path]) -> tuple[Record, ...]:
    return read_data_set(make_data_set({f"{number}.png": "dog" for number in range(5)}, name="zoo")).records


@pytest.fixture
def sharded(folder: tuple[Record, ...], tmp_path: Path) -> tuple[Record, ...]:
    write_shards(read_data_set(tmp_path / "zoo"), tmp_path / "shards", size=SIZE, lossless=True, together=2)
    return read_shards(tmp_path / "shards").records


def test_shards_give_the_pixels_of_the_folder_and_keep_nothing_in_the_cache(folder, sharded, home: Path):
    photos = training_photos(sharded, SIZE)

    assert isinstance(photos, StreamedPhotos)
    assert not list(home.rglob("*.npy"))
    array = prepared_photos(folder, SIZE)
    rows = np.array([3, 0, 3])
    assert len(photos) == 5
    np.testing.assert_array_equal(photos[rows], array[rows])
    np.testing.assert_array_equal(photos[4], array[4])


def test_files_among_shards_come_from_the_cache_in_another_process_too(folder, sharded, make_photo):
    mixed = [sharded[0], folder[1], sharded[2], folder[3]]

    photos = training_photos(mixed, SIZE)

    expected = prepared_photos(folder, SIZE)[np.array([0, 1, 2, 3])]
    np.testing.assert_array_equal(photos[np.arange(4)], expected)
    sent = pickle.dumps(photos)
    assert len(sent) < SIZE * SIZE * 3
    np.testing.assert_array_equal(pickle.loads(sent)[np.arange(4)], expected)


def test_another_photo_is_another_key(folder, sharded):
    keys = {key_of(training_photos(part, SIZE)) for part in (sharded, sharded[:4], sharded[::-1], folder)}

    assert len(keys) == 4
    assert key_of(training_photos(sharded, SIZE)) == key_of(training_photos(sharded, SIZE))


def test_a_damaged_shard_stops_the_training(sharded, tmp_path: Path):
    (tmp_path / "shards/photos-00000.tar").write_bytes(b"")

    with pytest.raises(TrainingError, match=r"0\.png: .*photos-00000\.tar is damaged\. Copy this shard again"):
        training_photos(sharded, SIZE)[np.array([0])]


def test_validation_at_another_size_sees_the_pixels_of_the_folder_where_shards_keep_them(folder, tmp_path: Path):
    zoo = read_data_set(tmp_path / "zoo")
    for name, copies in (("with", [24]), ("without", [])):
        write_shards(zoo, tmp_path / name, size=SIZE, copies=copies, lossless=True)

    kept, resized_again = (training_photos(read_shards(tmp_path / name).records, 24) for name in ("with", "without"))

    rows = np.arange(5)
    np.testing.assert_array_equal(kept[rows], prepared_photos(folder, 24)[rows])
    assert (resized_again[rows] != kept[rows]).any()
    assert key_of(kept) != key_of(resized_again)

"""The cache of costly arrays: computed once, never half written, and photos in it are those that a tagger sees."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import TrainingError
from vectortag.core.folders import cache_home
from vectortag.data import training_cache
from vectortag.data.records import Record, read_data_set
from vectortag.data.training_cache import cached_array, photo_key, prepared_photos
from vectortag.runtime.pixels import PixelRecipe, load_pixels

MakeDataSet = Callable[..., Path]


def count_up(array: Any) -> Iterable[int]:
    """Row n is full of n."""
    for row in range(len(array)):
        array[row] = row
        yield row + 1


def refuse(array: Any) -> Iterable[int]:
    raise AssertionError("computed again")


def files() -> list[Path]:
    return [path for path in cache_home().rglob("*") if path.is_file()]


@pytest.fixture
def records(make_data_set: MakeDataSet) -> tuple[Record, ...]:
    """Three photos of a data set called "zoo"."""
    return read_data_set(make_data_set({"1.jpg": "dog", "2.jpg": "cat", "3.jpg": "cat"}, name="zoo")).records


class TestArray:
    def test_it_is_computed_once_and_then_read(self):
        first = cached_array("kind", "key", (3, 2), np.float16, count_up)
        second = cached_array("kind", "key", (3, 2), np.float16, refuse)

        assert first.dtype == second.dtype == np.float16
        assert first.tolist() == second.tolist() == [[0, 0], [1, 1], [2, 2]]

    @pytest.mark.parametrize("place", [5, 90, 130, -1])
    def test_a_damaged_one_is_computed_again(self, place: int):
        cached_array("kind", "key", (3, 2), np.uint8, count_up)
        (file,) = files()
        content = bytearray(file.read_bytes())
        content[place] ^= 4
        file.write_bytes(content)

        assert cached_array("kind", "key", (3, 2), np.uint8, count_up).tolist() == [[0, 0], [1, 1], [2, 2]]
        assert cached_array("kind", "key", (3, 2), np.uint8, refuse).tolist() == [[0, 0], [1, 1], [2, 2]]

    def test_it_lies_in_the_cache_mapped_and_read_only(self, home: Path):
        array = cached_array("kind", "key", (3, 2), np.uint8, count_up)

        (file,) = files()
        assert (file.parent, file.suffix) == (home / "cache" / "kind", ".npy")
        assert isinstance(array, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1

    @pytest.mark.parametrize(
        "other",
        [
            ("other", "key", (3, 2), np.uint8),
            ("kind", "other", (3, 2), np.uint8),
            ("kind", "key", (2, 3), np.uint8),
            ("kind", "key", (3, 2), np.float32),
        ],
    )
    def test_another_kind_key_shape_or_type_is_another_array(self, other):
        cached_array("kind", "key", (3, 2), np.uint8, count_up)

        array = cached_array(*other, count_up)

        assert (array.shape, array.dtype) == other[2:]
        assert len(files()) == 2

    @pytest.mark.parametrize("problem", [RuntimeError("broken"), KeyboardInterrupt()])
    def test_a_computation_that_does_not_end_leaves_no_file(self, problem):
        def stop(array: Any) -> Iterable[int]:
            yield 1
            assert len(files()) == 1  # half written
            raise problem

        with pytest.raises(type(problem)):
            cached_array("kind", "key", (3, 2), np.uint8, stop)

        assert files() == []
        assert cached_array("kind", "key", (3, 2), np.uint8, count_up).sum() == 6

    @pytest.mark.parametrize(
        ("owner", "function"),
        [
            (training_cache, "open_memmap"),
            pytest.param(os, "posix_fallocate", marks=pytest.mark.skipif(sys.platform != "linux", reason="not Linux")),
            (Path, "replace"),
        ],
    )
    def test_a_full_disk_is_an_error_and_leaves_no_file(self, monkeypatch, owner, function):
        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(owner, function, full)

        with pytest.raises(
            TrainingError, match=r"kind: the cache cannot be written: No space left on device"
        ) as caught:
            cached_array("kind", "key", (3, 2), np.uint8, count_up)

        assert str(caught.value).startswith(str(cache_home()))
        assert files() == []

    def test_a_cache_that_is_a_file_is_an_error(self, home: Path):
        (home / "cache").write_text("in the way")

        with pytest.raises(TrainingError, match="the cache cannot be written"):
            cached_array("kind", "key", (3, 2), np.uint8, count_up)

    def test_a_long_computation_says_how_far_it_is(self, monkeypatch, caplog):
        monkeypatch.setattr(training_cache, "SECONDS_BETWEEN_NOTES", -1)
        caplog.set_level(logging.INFO)

        cached_array("photos", "key", (2, 2), np.uint8, count_up)

        assert [record.getMessage() for record in caplog.records] == ["photos: 1 of 2 photos", "photos: 2 of 2 photos"]

    def test_only_the_first_process_computes(self, monkeypatch):
        cached_array("kind", "key", (3, 2), np.uint8, count_up)
        monkeypatch.setenv("RANK", "1")
        waited = []

        def first_process_writes(file: Path) -> None:
            waited.append(file)
            shutil.copy(files()[0], file)

        monkeypatch.setattr(training_cache.distributed, "wait_for", first_process_writes)

        assert cached_array("kind", "other key", (3, 2), np.uint8, refuse).sum() == 6
        assert [file.parent for file in waited] == [cache_home() / "kind"]


class TestPhotos:
    def test_they_are_those_that_a_tagger_sees(self, records):
        photos = prepared_photos(records, 48)

        assert (photos.shape, photos.dtype) == ((3, 48, 48, 3), np.uint8)
        for pixels, record in zip(photos, records, strict=True):
            np.testing.assert_array_equal(pixels, load_pixels(record.path, 48, PixelRecipe()))

    def test_they_are_decoded_once_for_each_size(self, records, monkeypatch):
        prepared_photos(records, 48)
        prepared_photos(records, 32)
        monkeypatch.setattr(training_cache, "load_pixels", refuse)

        assert [prepared_photos(records, size).shape[1] for size in (48, 32)] == [48, 32]

    def test_a_photo_that_cannot_be_read_is_named_by_data_set_and_row(self, records):
        records[1].path.write_bytes(b"not a photo")

        with pytest.raises(TrainingError, match=r"^zoo, row 3: .*2\.jpg.*Fix the photo or pass --skip-bad-rows$"):
            prepared_photos(records, 48)

        assert files() == []

    def test_their_key_changes_with_order_and_content(self, records):
        keys = [photo_key(records), photo_key(records[::-1]), photo_key(records[:2])]
        os.utime(records[0].path, ns=(0, 0))
        keys.append(photo_key(records))
        records[0].path.write_bytes(b"longer or shorter")
        os.utime(records[0].path, ns=(0, 0))
        keys.append(photo_key(records))

        assert len(set(keys)) == len(keys) == 5
        assert photo_key(records) == keys[-1]

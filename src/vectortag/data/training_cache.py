"""Arrays that are costly to compute and can be computed again: kept as .npy files in the user's cache."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from vectortag.core import distributed
from vectortag.core.checked import append_hash, is_whole
from vectortag.core.errors import PhotoError, TrainingError
from vectortag.core.file_names import escape_path
from vectortag.core.folders import cache_home
from vectortag.core.schema import to_json
from vectortag.core.types import ByteArray
from vectortag.core.writing import temporary_beside
from vectortag.data.records import Record
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.pixels import PixelRecipe, load_pixels

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NOTES = 20

Array = npt.NDArray[np.generic]


def cached_array(
    kind: str, key: str, shape: tuple[int, ...], dtype: npt.DTypeLike, rows: Callable[[Array], Iterable[int]]
) -> Array:
    """Return the array of that key, read-only and mapped from disk; compute it where it is not there, or is damaged.

    Args:
        kind: the folder within the cache.
        key: everything that decides the content, as text.
        shape, dtype: of the array.
        rows: fills the array and yields after each row how many are done; an interrupted file is thrown away.

    Raises:
        TrainingError: the cache cannot be written.
    """
    file = cache_home() / kind / f"{hashlib.sha256(f'{key} {shape} {dtype}'.encode()).hexdigest()}.npy"
    if distributed.rank() > 0:
        distributed.wait_for(file)
        while not is_whole(file):  # the first process makes it anew
            time.sleep(1)
    elif not is_whole(file):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _compute(file, kind, shape, dtype, rows)
        except OSError as error:
            raise TrainingError(f"{file.parent}: the cache cannot be written: {error.strerror or error}") from error
    mapped: Array = np.load(file, mmap_mode="r")
    return mapped


def _compute(
    file: Path, kind: str, shape: tuple[int, ...], dtype: npt.DTypeLike, rows: Callable[[Array], Iterable[int]]
) -> None:
    temporary = temporary_beside(file)
    try:
        array = open_memmap(temporary, mode="w+", dtype=np.dtype(dtype), shape=shape)
        _reserve(temporary)
        told = time.monotonic()
        for done in rows(array):
            if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
                told = time.monotonic()
                log.info("%s: %d of %d photos", kind, done, shape[0])
        array.flush()
        del array
        append_hash(temporary)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _reserve(file: Path) -> None:
    """Take the file's space now: where a disk is full, writing to a mapped file would kill the process."""
    if sys.platform == "linux":
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


def photo_key(records: Sequence[Record]) -> str:
    """A key of these photos in this order: path, length and time of change of each; of one in a shard, its hash."""
    digest = hashlib.sha256()
    for record in records:
        if record.packed is not None:
            digest.update(record.packed.photo.key)
            continue
        state = record.path.stat()
        digest.update(f"{escape_path(record.path)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepared_photos(records: Sequence[Record], size: int) -> ByteArray:
    """(N, size, size, 3) uint8: every photo decoded and squashed once, so that a training never waits for a decoder.

    Raises:
        TrainingError: a photo cannot be read.
    """
    recipe = PixelRecipe()

    def read(record: Record) -> ByteArray:
        try:
            return load_pixels(record.photo, size, recipe)
        except PhotoError as error:
            raise TrainingError(
                f"{record.dataset}, row {record.row}: {error}. Fix the photo or pass --skip-bad-rows"
            ) from error

    def rows(array: Array) -> Iterable[int]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            for place, pixels in enumerate(pool.map(read, records)):
                array[place] = pixels
                yield place + 1

    key = f"{to_json(recipe)} {photo_key(records)}"
    return cached_array("photos", key, (len(records), size, size, 3), np.uint8, rows)  # type: ignore[return-value]

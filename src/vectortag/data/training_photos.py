"""The photos that a training looks at each epoch: decoded once into the cache, or decoded from shards each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import PhotoError, TrainingError
from vectortag.core.types import ByteArray, PackedPhoto
from vectortag.data.object_store import READERS
from vectortag.data.records import Record
from vectortag.data.training_cache import photo_key, prepared_photos
from vectortag.runtime.pipeline import map_ordered
from vectortag.runtime.pixels import PixelRecipe, load_pixels

Rows = npt.NDArray[np.intp]


class Photos(Protocol):
    """N photos, (size, size, 3) uint8 each: an array, or what reads like one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """(size, size, 3) of one row, or (n, size, size, 3) of several."""
        ...


class StreamedPhotos:
    """Photos in shards, which are read and decoded when they are asked for; those that are files come from the cache.

    Args:
        records: of the photos.
        size: pixels a side.

    Attributes:
        key: changes with any of the photos, and with the size.
        is_remote: some are in an object store.
    """

    def __init__(self, records: Sequence[Record], size: int) -> None:
        self._size = size
        self._packed = [None if record.packed is None else record.packed.photo for record in records]
        self.key = f"{photo_key(records)} {size}"
        self.is_remote = any(photo is not None and photo.is_remote for photo in self._packed)
        files = [record for record in records if record.packed is None]
        self._file = prepared_photos(files, size).filename if files else None  # type: ignore[attr-defined]
        self._places = np.cumsum([photo is None for photo in self._packed]) - 1
        self._array: ByteArray | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A mapped array would be sent to another process photo by photo."""
        return self.__dict__ | {"_array": None}

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, rows: Any, /) -> Any:
        """(size, size, 3) of one row, or (n, size, size, 3) of several: of an object store, fetched side by side.

        Raises:
            TrainingError: a photo cannot be read, or is not what was written.
        """
        if isinstance(rows, int | np.integer):
            return self._read(int(rows))
        if self.is_remote:
            read = map_ordered(self._read, map(int, rows), threads=READERS, in_flight=2 * READERS, name="fetch")
            return np.stack(list(read))
        return np.stack([self._read(int(row)) for row in rows])

    def _read(self, row: int) -> ByteArray:
        photo = self._packed[row]
        if photo is not None:
            return _decoded(photo, self._size)
        if self._array is None:
            assert self._file is not None
            self._array = np.load(self._file, mmap_mode="r")
        return self._array[self._places[row]]


def _decoded(photo: PackedPhoto, size: int) -> ByteArray:
    try:
        return load_pixels(photo, size, PixelRecipe())
    except PhotoError as error:
        raise TrainingError(str(error)) from error


def training_photos(records: Sequence[Record], size: int) -> Photos:
    """The photos of records: (size, size, 3) each, as `prepared_photos`; those in shards are not kept in the cache.

    Raises:
        TrainingError: a photo cannot be read.
    """
    if any(record.packed is not None for record in records):
        return StreamedPhotos(records, size)
    return prepared_photos(records, size)


def key_of(photos: Photos) -> str:
    """A key of these photos: of an array in the cache, its file, which is named by their key."""
    return photos.key if isinstance(photos, StreamedPhotos) else str(getattr(photos, "filename", None))

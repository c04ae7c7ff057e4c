"""The hash of each photo's content, taken on its way to the network: what `vectortag library import` knows it by."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import PhotoError
from vectortag.core.files import changed_ns
from vectortag.core.types import StoredPhoto
from vectortag.library.folders import new_hash
from vectortag.library.photo_facts import check_unchanged
from vectortag.runtime.pipeline import map_ordered
from vectortag.runtime.pixels import open_photo

THREADS, IN_FLIGHT = 2, 8


@dataclass(frozen=True, slots=True)
class _Hash:
    """A hash; of a file, with its size and the time of its last change when it was hashed."""

    content: bytes | None
    file: Path | None = None
    size: int = 0
    mtime_ns: int = 0


class ContentHashes:
    """Photos that are hashed as they are read; `take` gives the hash of each, in their order."""

    def __init__(self, photos: Iterable[Path | StoredPhoto]) -> None:
        self._photos = photos
        self._taken: deque[_Hash] = deque()

    def __iter__(self) -> Iterator[Path | StoredPhoto]:
        for photo, found in map_ordered(_hash, self._photos, threads=THREADS, in_flight=IN_FLIGHT, name="hash"):
            self._taken.append(found)
            yield photo

    def take(self) -> bytes | None:
        """The 16 bytes of blake2b of the next photo; None where it cannot be read, or changed since it was hashed."""
        found = self._taken.popleft()
        if found.file is not None:
            try:
                check_unchanged(found.file, found.size, found.mtime_ns)
            except PhotoError:
                return None
        return found.content


def _hash(photo: Path | StoredPhoto) -> tuple[Path | StoredPhoto, _Hash]:
    if isinstance(photo, StoredPhoto):
        digest = new_hash()
        if isinstance(photo.content, PhotoError):
            return photo, _Hash(None)
        digest.update(photo.content)
        return photo, _Hash(digest.digest())
    try:
        with open_photo(photo) as file:
            status = os.fstat(file.fileno())
            content = hashlib.file_digest(file, new_hash).digest()
    except PhotoError:  # the network's thread will say why
        return photo, _Hash(None)
    return photo, _Hash(content, photo, status.st_size, changed_ns(status))

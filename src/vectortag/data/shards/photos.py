"""A photo in a shard, read by its own bytes alone: from a disk, or from an object store by a ranged request."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.types import PackedPhoto, StoredPhoto
from vectortag.data.object_store import is_url, persistently, plain, store_of
from vectortag.data.shards.layout import Copy


@dataclass(frozen=True, slots=True)
class ShardPhoto(PackedPhoto):
    """A photo in a shard.

    Attributes:
        name: as messages have it.
        content: the SHA-256 of its bytes.
        tar: the path or the URL of the shard.
        offset, size: of its bytes in the shard.
        copies: the same photo in other sizes.
    """

    name: str
    content: bytes
    tar: str
    offset: int
    size: int
    copies: tuple[Copy, ...] = ()

    @property
    def key(self) -> bytes:
        if not self.copies:
            return self.content
        return hashlib.sha256(self.content + b"".join(copy.sha256 for copy in self.copies)).digest()

    def at(self, size: int) -> ShardPhoto:
        for copy in self.copies:
            if copy.side == size:
                return ShardPhoto(self.name, copy.sha256, self.tar, copy.offset, copy.size)
        return self

    @property
    def is_remote(self) -> bool:
        return is_url(self.tar)

    def read(self) -> StoredPhoto:
        """Its bytes, or why they cannot be read, or are not those that were written."""
        try:
            found = _read(self.tar, self.offset, self.size)
        except OSError as error:
            why = error.strerror or plain(error)
            return StoredPhoto(self.name, PhotoError(f"{escape_path(self.tar)} cannot be read: {why}"))
        if hashlib.sha256(found).digest() != self.content:
            damaged = f"{escape_path(self.tar)} is damaged. Copy this shard again, or make the shards again"
            return StoredPhoto(self.name, PhotoError(damaged))
        return StoredPhoto(self.name, found)


def _read(tar: str, offset: int, size: int) -> bytes:
    if is_url(tar):
        return persistently(functools.partial(_read_object, tar, offset, size))
    with open_regular(tar) as file:
        file.seek(offset)
        return file.read(size)


def _read_object(url: str, offset: int, size: int) -> bytes:
    found: bytes = _opened(url).read_at(size, offset)
    if len(found) < size:
        raise OSError(f"the object ended after {len(found):,} of {size:,} bytes")
    return found


@functools.cache
def _opened(url: str) -> Any:
    """The object, whose size is asked for once; reading from it holds no connection."""
    filesystem, path = store_of(url)
    return filesystem.open_input_file(path)

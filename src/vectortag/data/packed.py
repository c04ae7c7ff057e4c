"""What is known of a record's photo where that is part of a larger file: see `vectortag.data.shards`."""

from __future__ import annotations

from dataclasses import dataclass

from vectortag.core.types import PackedPhoto


@dataclass(frozen=True, slots=True)
class Packed:
    """A photo in a shard, which was resized, and what is remembered of the file that it was.

    Attributes:
        photo: what is left of it.
        original: the first 16 hex digits of the SHA-256 of the file.
        print: the bytes of its `vectortag.data.duplicates.FINGERPRINT`.
    """

    photo: PackedPhoto
    original: str
    print: bytes

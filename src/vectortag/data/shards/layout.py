"""What a folder of shards holds.

    plan.json           while it is being written: what shall become of it, so that the same command goes on
    photos-00000.tar    a shard, as WebDataset has them: for each photo `000000000.jpg` and `000000000.json`
    photos-00000.jsonl  what is known of the shard, then of each of its photos; written when the shard is complete
    index.json          sizes and hashes of them all; written last

A photo is N.jpg, or N.webp where nothing may be lost; N counts the rows that were used of the data set, those of broken
photos among them.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

from vectortag.core.schema import Count, Positive, Schema, from_json, to_json
from vectortag.runtime.pixels import PixelRecipe

INDEX, PLAN = "index.json", "plan.json"

Encoding = Literal["jpeg", "webp"]
"""JPEG of quality 95 with all of its colours, or WebP without loss."""


class Row(Struct, frozen=True, gc=False):
    """One photo of a shard.

    Attributes:
        path: as the data set has it, relative to its folder.
        row: in the data set.
        words: raw.
        split: as the data set has it.
        original: the first 16 hex digits of the SHA-256 of the photo that was resized; see `records.photo_hash`.
        print: its `duplicates.FINGERPRINT`.
        offset, size: where the resized photo is in the tar, in bytes.
        sha256: of the resized photo.
    """

    path: str
    row: int
    words: tuple[str, ...]
    split: str | None
    original: str
    print: bytes
    offset: int
    size: int
    sha256: bytes


class LeftOut(Schema, frozen=True, kw_only=True):
    """A photo that could not be read when the shards were made."""

    path: str
    row: Count
    error: str


class Shard(Schema, frozen=True, kw_only=True):
    """A tar file, and the file of its rows."""

    tar: str
    bytes: Count
    sha256: str
    photos: Count
    left_out: tuple[LeftOut, ...] = ()


class ListedShard(Schema, frozen=True, kw_only=True):
    """A shard in the index.

    Attributes:
        rows: the file of its rows, and the SHA-256 of it.
    """

    tar: str
    bytes: Count
    sha256: str
    photos: Count
    rows: str
    rows_sha256: str


class Plan(Schema, frozen=True, kw_only=True):
    """What decides the content of all files.

    Attributes:
        source: a hash of the data set: of its rows, and of the length and time of change of each photo.
        together: photos per shard.
    """

    kind: Literal["vectortag shards"] = "vectortag shards"
    version: Literal[1] = 1
    source: str
    name: str
    size: Positive
    encoding: Encoding
    recipe: PixelRecipe
    together: Positive
    known: tuple[str, ...] | None


class Index(Schema, frozen=True, kw_only=True):
    """The list of all shards.

    Attributes:
        photos: that are in the shards.
        left_out: those that could not be read.
    """

    plan: Plan
    photos: Count
    left_out: tuple[LeftOut, ...]
    shards: tuple[ListedShard, ...]


def tar_name(number: int) -> str:
    """The name of a shard.

    >>> tar_name(7)
    'photos-00007.tar'
    """
    return f"photos-{number:05}.tar"


def rows_name(tar: str) -> str:
    """The name of the file of its rows."""
    return tar.removesuffix(".tar") + ".jsonl"


def pack_rows(shard: Shard, rows: list[Row]) -> bytes:
    """The file of a shard's rows: a line for the shard, then one for each photo."""
    return "".join(f"{to_json(one)}\n" for one in (shard, *rows)).encode()


def unpack_rows(content: bytes) -> tuple[Shard, list[Row]]:
    """What `pack_rows` was given.

    Raises:
        SchemaError: it is something else.
    """
    first, *others = content.splitlines() or [b""]
    return from_json(Shard, first), [from_json(Row, line) for line in others]


def listed(shard: Shard, rows: bytes) -> ListedShard:
    """A shard for the index; `rows` is the content of the file of its rows."""
    return ListedShard(
        tar=shard.tar,
        bytes=shard.bytes,
        sha256=shard.sha256,
        photos=shard.photos,
        rows=rows_name(shard.tar),
        rows_sha256=hashlib.sha256(rows).hexdigest(),
    )

"""What a folder of shards holds.

    plan.json           while it is being written: what shall become of it, so that the same command goes on
    photos-00000.tar    a shard, as WebDataset has them: for each photo `000000000.jpg` and `000000000.json`
    photos-00000.jsonl  what is known of the shard, then of each of its photos; written when the shard is complete
    index.json          sizes and hashes of them all; written last

A photo is N.jpg, or N.webp where nothing may be lost; N counts the rows that were used of the data set, those of broken
photos among them. Its copies in other sizes are N.224.jpg and so on.

Where shards replace others, they have names of their own, as photos-1-00000.tar. Both sets are in the folder until the
new index replaces the old one in one step; the index says which files count. What it does not name is removed then.
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


class Copy(Struct, frozen=True, gc=False):
    """A photo in another size.

    Attributes:
        side: pixels.
        offset, size: where it is in the tar, in bytes.
        sha256: of it.
    """

    side: int
    offset: int
    size: int
    sha256: bytes


class Row(Struct, frozen=True, gc=False, omit_defaults=True):
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
        copies: the same photo in other sizes, each made from the original.
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
    copies: tuple[Copy, ...] = ()


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
        copies: pixels a side of the copies in other sizes, rising.
        generation: how many sets were in the folder before; it is in the names of the files.
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
    copies: tuple[Positive, ...] = ()
    generation: Count = 0


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


def tar_name(number: int, generation: int = 0) -> str:
    """The name of a shard.

    >>> tar_name(7), tar_name(7, 2)
    ('photos-00007.tar', 'photos-2-00007.tar')
    """
    return f"photos-{generation}-{number:05}.tar" if generation else f"photos-{number:05}.tar"


def generation_of(name: str) -> int:
    """The generation in the name of a shard, or of the file of its rows.

    >>> generation_of("photos-00007.tar"), generation_of("photos-2-00007.jsonl")
    (0, 2)
    """
    return int(name.split("-")[1]) if name.count("-") > 1 else 0


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

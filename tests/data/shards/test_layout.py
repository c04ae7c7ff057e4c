"""The files of shards: what is written of a photo is read back, and nothing else is taken for it."""

from __future__ import annotations

import hashlib

import pytest

from vectortag.core.schema import SchemaError
from vectortag.data.shards.layout import LeftOut, Row, Shard, listed, pack_rows, rows_name, tar_name, unpack_rows

SHARD = Shard(
    tar="photos-00000.tar",
    bytes=10_240,
    sha256="0" * 64,
    photos=2,
    left_out=(LeftOut(path="b.jpg", row=3, error="not a photo"),),
)
ROWS = [
    Row("a.jpg", 2, ("dog", "Möwe"), "train", "0123456789abcdef", bytes(range(64)), 512, 1000, bytes(32)),
    Row("in/c\nd.jpg", 4, (), None, "fedcba9876543210", b"", 2560, 7, b"\xff" * 32),
]


def test_rows_come_back_as_they_were():
    assert unpack_rows(pack_rows(SHARD, ROWS)) == (SHARD, ROWS)
    assert unpack_rows(pack_rows(SHARD, [])) == (SHARD, [])


def test_there_is_a_line_for_the_shard_and_one_for_each_photo():
    content = pack_rows(SHARD, ROWS)

    assert content.count(b"\n") == 3
    assert content.decode().splitlines()[0].startswith('{"tar":"photos-00000.tar"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"bytes":10240', b'"bytes":-1'),
        (b'"photos":2', b'"photos":"two"'),
        (b'"path":"a.jpg"', b'"path":7'),
        (b'"row":2', b'"line":2'),
        (b"{", b""),
    ],
)
def test_damaged_lines_are_an_error(before: bytes, after: bytes):
    content = pack_rows(SHARD, ROWS)
    assert before in content

    with pytest.raises(SchemaError):
        unpack_rows(content.replace(before, after, 1))


def test_an_empty_file_is_an_error():
    with pytest.raises(SchemaError):
        unpack_rows(b"")


def test_a_shard_and_its_rows_are_named_alike_in_the_order_of_their_numbers():
    names = [tar_name(number) for number in (0, 7, 10, 99_999)]

    assert names == sorted(names)
    assert rows_name(names[1]) == "photos-00007.jsonl"


def test_the_index_has_the_hash_of_the_rows_as_they_are_stored():
    content = pack_rows(SHARD, ROWS)

    one = listed(SHARD, content)

    assert (one.tar, one.rows, one.photos, one.bytes) == ("photos-00000.tar", "photos-00000.jsonl", 2, 10_240)
    assert one.rows_sha256 == hashlib.sha256(content).hexdigest()

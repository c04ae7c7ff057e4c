"""A photo in a shard: its own bytes alone are read, and they must be those that were written."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from vectortag.core.errors import PhotoError
from vectortag.data.shards.photos import ShardPhoto

CONTENT = b"a resized photo"


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    file = tmp_path / "photos-00000.tar"
    file.write_bytes(b"before" + CONTENT + b"after")
    return file


def photo_in(tar: Path | str, *, offset: int = 6, size: int = len(CONTENT)) -> ShardPhoto:
    return ShardPhoto("zoo/a.jpg", hashlib.sha256(CONTENT).digest(), str(tar), offset, size)


def test_its_bytes_are_read(tar: Path):
    found = photo_in(tar).read()

    assert (found.name, found.content) == ("zoo/a.jpg", CONTENT)


def test_it_goes_into_another_process(tar: Path):
    assert pickle.loads(pickle.dumps(photo_in(tar))).read().content == CONTENT


@pytest.mark.parametrize(("offset", "size"), [(5, 15), (6, 14), (6, 16), (1000, 15)])
def test_other_bytes_are_a_damaged_shard(tar: Path, offset: int, size: int):
    error = photo_in(tar, offset=offset, size=size).read().content

    assert isinstance(error, PhotoError)
    assert str(error) == f"{tar} is damaged. Copy this shard again, or make the shards again"


@pytest.mark.parametrize("what", ["none", "a folder"])
def test_a_shard_that_cannot_be_read_is_an_error_of_the_photo(tmp_path: Path, what: str):
    if what == "a folder":
        (tmp_path / what).mkdir()

    error = photo_in(tmp_path / what).read().content

    assert isinstance(error, PhotoError)
    assert f"{tmp_path / what} cannot be read: " in str(error)


@pytest.mark.parametrize(
    ("tar", "is_remote"), [("s3://bucket/photos-00000.tar", True), ("gs://b/x.tar", True), ("/photos/x.tar", False)]
)
def test_it_is_remote_where_its_shard_is_a_url(tar: str, is_remote: bool):
    assert photo_in(tar).is_remote is is_remote

"""What a command names as its photos."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import ConfigError
from vectortag.core.types import StoredPhoto
from vectortag.data.parquet_photos import ParquetRows
from vectortag.data.sources import count_of, photos_at, references, source_of


def test_a_file_url_is_a_path_and_a_bucket_stays_a_url():
    assert source_of("file:///home/a%20b.jpg") == Path("/home/a b.jpg")
    assert source_of("s3://bucket/a%20b.jpg") == "s3://bucket/a%20b.jpg"
    assert source_of("photos/http://x") == Path("photos/http://x")


def test_a_file_url_of_another_machine_is_refused():
    with pytest.raises(ConfigError, match="names the machine other"):
        source_of("file://other/a.jpg")


def test_a_name_that_is_not_utf_8_is_kept():
    assert os.fsencode(source_of("file:///caf%E9.jpg")) == b"/caf\xe9.jpg"


def test_files_and_rows_come_in_the_order_of_the_sources(make_photo: Callable[..., Path], tmp_path: Path, need_module):
    pa, pq = need_module("pyarrow"), need_module("pyarrow.parquet")
    photo = make_photo("folder/a.jpg")
    pq.write_table(pa.table({"path": ["x", "y"], "bytes": [b"1", b"2"]}), tmp_path / "set.parquet")

    found = list(references([tmp_path / "set.parquet", tmp_path / "folder"]))

    assert found == [ParquetRows(str(tmp_path / "set.parquet"), 0, 2), photo]
    assert sum(map(count_of, found)) == 3
    assert list(photos_at(found)) == [StoredPhoto("x", b"1"), StoredPhoto("y", b"2"), photo]
    assert list(photos_at(found, done={"x", str(photo)})) == [StoredPhoto("y", b"2")]

"""A photo in a shard is known by the file that it was: nothing of it is read for that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.core.types import PackedPhoto, StoredPhoto
from vectortag.data.copies import fingerprints_of
from vectortag.data.duplicates import FINGERPRINT
from vectortag.data.packed import Packed
from vectortag.data.records import DataSet, Record, record_hash


class Closed(PackedPhoto):
    """A photo that must not be read."""

    name, content = "a.jpg", b""

    @property
    def is_remote(self) -> bool:
        return False

    def read(self) -> StoredPhoto:
        pytest.fail("the photo was read")


@pytest.fixture
def record() -> Record:
    """Of a photo whose file is nowhere."""
    one = np.zeros((), FINGERPRINT)
    one["hash"], one["thumbnail"] = 77, np.arange(256).reshape(16, 16)
    return Record(Path("/nowhere/a.jpg"), ("dog",), 2, None, "zoo", Packed(Closed(), "0123456789abcdef", one.tobytes()))


def test_its_hash_is_that_of_the_file_that_it_was(record: Record):
    assert record_hash(record) == "0123456789abcdef"


def test_its_fingerprint_is_that_of_the_file_that_it_was(record: Record):
    prints, errors = fingerprints_of(DataSet("zoo", Path("/nowhere"), (record,)))

    assert errors == {}
    assert (prints[record.path]["hash"], prints[record.path]["thumbnail"][15, 15]) == (77, 255)


def test_what_is_decoded_is_the_photo_in_the_shard(record: Record):
    assert isinstance(record.photo, Closed)
    assert record.packed is not None
    assert record.photo is record.packed.photo

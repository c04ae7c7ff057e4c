"""Shards as a data set: the same records as of the folder, and clear words where something is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import s3

from vectortag.core.errors import DataError, PhotoError
from vectortag.data.copies import fingerprints_of
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.records import DataSet, record_hash
from vectortag.data.shards.reading import are_shards, read_shards
from vectortag.runtime.pixels import PixelRecipe, load_pixels


def readable(data: DataSet) -> list:
    return [record for place, record in enumerate(data.records) if place != 4]


def test_the_records_are_those_of_the_folder(zoo: DataSet, shards: Path):
    data = read_tagged_photos(shards)

    assert (data.name, data.known, data.has_splits) == ("zoo", ("dog", "cat"), True)
    for one, other in zip(data.records, readable(zoo), strict=True):
        assert (one.words, one.row, one.split, one.dataset) == (other.words, other.row, other.split, other.dataset)
        assert one.path == shards / other.path.relative_to(zoo.csv.parent)
        assert record_hash(one) == record_hash(other)
        np.testing.assert_array_equal(
            load_pixels(one.photo, 32, PixelRecipe()), load_pixels(other.path, 32, PixelRecipe())
        )


def test_duplicates_are_found_by_the_photos_before_they_were_resized(zoo: DataSet, shards: Path):
    of_shards, errors = fingerprints_of(read_shards(shards))

    of_folder, _ = fingerprints_of(zoo)
    assert errors == {}
    assert [one.tobytes() for one in of_shards.values()] == [of_folder[one.path].tobytes() for one in readable(zoo)]


def test_what_was_left_out_is_said_again(shards: Path, caplog: pytest.LogCaptureFixture):
    read_shards(shards, name="other")

    assert "left out when the shards were made: row 6" in caplog.text
    assert read_shards(shards, name="other").records[0].dataset == "other"


def test_a_folder_of_photos_with_an_index_of_another_program_is_no_shards(zoo: DataSet):
    (zoo.csv.parent / "index.json").write_text('{"kind": "mine"}')

    assert not are_shards(zoo.csv.parent)
    assert not are_shards(zoo.csv)


def test_shards_that_are_not_complete_say_how_to_go_on(shards: Path):
    (shards / "index.json").rename(shards / "plan.json")

    with pytest.raises(DataError, match=r"there are no shards\. They are not complete: go on with the same"):
        read_tagged_photos(shards)


def change(shards: Path, **fields: object) -> None:
    file = shards / "index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields, separators=(",", ":")))


def test_an_index_with_another_key_is_refused(shards: Path):
    change(shards, more=1)

    with pytest.raises(DataError, match=r"index\.json: is not an index of shards: unknown key \"more\""):
        read_shards(shards)


@pytest.mark.parametrize(
    ("damage", "message"), [("change", "is not what the index says"), ("remove", "cannot be read")]
)
def test_damaged_rows_are_an_error(shards: Path, damage: str, message: str):
    file = shards / "photos-00001.jsonl"
    if damage == "change":
        file.write_text(file.read_text().replace("dog", "cat"))
    else:
        file.unlink()

    with pytest.raises(DataError, match=rf"photos-00001\.jsonl: {message}"):
        read_shards(shards)


@pytest.mark.parametrize(
    ("damage", "message"), [("change", "is damaged"), ("cut", "is damaged"), ("remove", "No such")]
)
def test_a_damaged_shard_is_an_error_of_its_photos_alone(shards: Path, damage: str, message: str):
    tar = shards / "photos-00001.tar"
    content = bytearray(tar.read_bytes())
    content[600] ^= 1
    if damage == "remove":
        tar.unlink()
    else:
        tar.write_bytes(content if damage == "change" else content[:600])
    records = read_shards(shards).records

    with pytest.raises(PhotoError, match=rf"in/2\.png: .*photos-00001\.tar.*{message}"):
        load_pixels(records[2].photo, 32, PixelRecipe())
    load_pixels(records[0].photo, 32, PixelRecipe())


@pytest.fixture
def bucket(store: tuple[int, str, s3.Faults], shards: Path) -> tuple[str, s3.Faults]:
    """The URL of the same shards in a bucket, and what a proxy does to them."""
    port, name, faults = store
    return s3.upload(shards, port, name), faults


def test_a_bucket_gives_the_same_photos_by_ranges_although_it_fails_is_slow_and_cuts(
    shards: Path, bucket: tuple[str, s3.Faults]
):
    url, faults = bucket
    faults.failing.update({"index.json": 1, "photos-00000.tar": 2})
    faults.cut.update({"photos-00001.tar": 1, "photos-00002.jsonl": 1})
    faults.slow.add("photos-00002.tar")

    records = read_tagged_photos(url).records

    local = read_shards(shards).records
    for one, other in zip(records, local, strict=True):
        assert one.photo.is_remote
        assert one.photo.read().content == other.photo.read().content
    assert faults.asked["photos-00001.tar"] <= 5  # its size, two photos, and two attempts


def test_an_object_that_is_gone_is_an_error_of_its_photos(bucket: tuple[str, s3.Faults]):
    url, faults = bucket
    records = read_shards(url).records
    faults.failing.update({"photos-00001.tar": 100})

    with pytest.raises(PhotoError, match=r"in/2\.png: .*photos-00001\.tar cannot be read"):
        load_pixels(records[2].photo, 32, PixelRecipe())


def test_a_bucket_without_shards_says_so(bucket: tuple[str, s3.Faults]):
    url, _ = bucket

    with pytest.raises(
        DataError, match=r"elsewhere/index\.json: there are no shards\. Make them with: vectortag prepare"
    ):
        read_shards(f"{url}/elsewhere/")

"""Making shards: what is in them, what is left out, and what a second command does with what is there."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import s3
from PIL import Image

from vectortag.core.errors import DataError, OutputError, OverwriteError
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.output_folder import OutputFolder
from vectortag.data.records import DataSet, photo_hash, read_data_set
from vectortag.data.shards.reading import read_index, read_shards
from vectortag.data.shards.writing import write_shards
from vectortag.runtime import pixels
from vectortag.runtime.decoding.upright import decode_upright
from vectortag.runtime.pixels import PixelRecipe, load_pixels

BROKEN = 4
"""Which photo of the zoo, from 0."""

KILLED = """
import os, signal, sys
from pathlib import Path
from vectortag.data.records import read_data_set
from vectortag.data.shards import writing

left = [int(sys.argv[3])]

def killing(photo, open_photo=writing.open_photo):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return open_photo(photo)

writing.open_photo = killing
writing.write_shards(read_data_set(sys.argv[1]), Path(sys.argv[2]), size=32, together=2)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def readable(data: DataSet) -> list:
    return [record for place, record in enumerate(data.records) if place != BROKEN]


def index_of(folder: Path) -> dict:
    return json.loads((folder / "index.json").read_text())


def test_a_shard_is_a_tar_with_a_photo_and_its_words_for_each_record(zoo: DataSet, shards: Path):
    with tarfile.open(shards / "photos-00000.tar") as tar:
        names = tar.getnames()
        members = {name: tar.extractfile(name).read() for name in names}

    assert names == ["000000000.webp", "000000000.json", "000000001.webp", "000000001.json"]
    assert json.loads(members["000000001.json"]) == {
        "path": "in/1.png",
        "tags": ["dog", "sea"],
        "split": "val",
        "sha256": photo_hash(zoo.records[1].path),
    }
    written = np.asarray(Image.open(io.BytesIO(members["000000001.webp"])).convert("RGB"))
    np.testing.assert_array_equal(written, load_pixels(zoo.records[1].path, 32, PixelRecipe()))


def test_a_photo_is_a_jpeg_that_hardly_differs_where_loss_is_allowed(zoo: DataSet, tmp_path: Path):
    write_shards(zoo, tmp_path / "shards", size=64)

    with tarfile.open(tmp_path / "shards/photos-00000.tar") as tar:
        photo = Image.open(io.BytesIO(tar.extractfile("000000000.jpg").read()))
        difference = np.asarray(photo, float) - load_pixels(zoo.records[0].path, 64, PixelRecipe())
    assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (64, 64))
    assert np.abs(difference).mean() < 3


def test_the_index_has_the_size_and_the_hash_of_each_file(shards: Path):
    listed = index_of(shards)["shards"]

    assert [one["photos"] for one in listed] == [2, 2, 1]
    for one in listed:
        assert (shards / one["tar"]).stat().st_size == one["bytes"]
        assert hashlib.sha256((shards / one["tar"]).read_bytes()).hexdigest() == one["sha256"]
        assert hashlib.sha256((shards / one["rows"]).read_bytes()).hexdigest() == one["rows_sha256"]
    assert set(contents(shards)) == {"index.json", *(one["tar"] for one in listed), *(one["rows"] for one in listed)}


def test_a_broken_photo_is_counted_and_named(zoo: DataSet, shards: Path, caplog: pytest.LogCaptureFixture):
    index = index_of(shards)

    assert index["photos"] == 5
    ((left_out),) = index["left_out"]
    assert (left_out["path"], left_out["row"]) == ("in/4.png", zoo.records[4].row)
    assert "not a photo" in left_out["error"]


def test_nothing_but_broken_photos_make_no_shards(zoo: DataSet, tmp_path: Path):
    broken = replace(zoo, records=zoo.records[4:5])

    with pytest.raises(DataError, match=r"none of 1 photos can be read; the first: .*4\.png"):
        write_shards(broken, tmp_path / "shards", size=32)
    assert not (tmp_path / "shards/index.json").exists()


@pytest.mark.parametrize("photos", [0, 1, 3, 5])
def test_a_command_that_was_killed_goes_on_to_the_same_bytes(zoo: DataSet, tmp_path: Path, photos: int):
    write_shards(zoo, tmp_path / "whole", size=32, together=2)
    broken = tmp_path / "broken"
    command = [sys.executable, "-c", KILLED, str(zoo.csv), str(broken)]
    assert subprocess.run([*command, str(photos)], check=False).returncode == -signal.SIGKILL
    assert not (broken / "index.json").exists()
    before = {file.name: file.stat().st_ino for file in broken.glob("photos-*")}

    write_shards(zoo, broken, size=32, together=2)

    assert contents(broken) == contents(tmp_path / "whole")
    kept = {name for name, number in before.items() if (broken / name).stat().st_ino == number}
    assert kept >= {name for name in before if name.replace(".tar", ".jsonl") in before}


def test_a_shard_without_its_rows_is_made_again(zoo: DataSet, shards: Path):
    whole = contents(shards)
    plan = json.dumps(json.loads(whole["index.json"])["plan"], separators=(",", ":"))
    (shards / "index.json").unlink()
    (shards / "plan.json").write_text(plan + "\n")
    (shards / "photos-00001.jsonl").unlink()
    (shards / "photos-00000.tar").write_bytes(b"half")

    write_shards(zoo, shards, size=32, lossless=True, together=2)

    assert contents(shards) == whole


def test_complete_shards_are_replaced_only_where_that_is_asked(zoo: DataSet, shards: Path):
    before = contents(shards)
    with pytest.raises(OverwriteError, match=r"shards: holds complete shards\. .*pass --overwrite"):
        write_shards(zoo, shards, size=32)
    assert contents(shards) == before

    write_shards(zoo, shards, size=40, overwrite=True)

    assert index_of(shards)["plan"]["size"] == 40
    assert len(index_of(shards)["shards"]) == 1


def test_shards_that_were_begun_otherwise_are_not_mixed(zoo: DataSet, shards: Path):
    (shards / "index.json").rename(shards / "plan.json")

    with pytest.raises(OverwriteError, match="begun with other photos or options"):
        write_shards(zoo, shards, size=48)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("names", [["notes.txt"], ["index.json"], ["index.json", "photos-00000.tar", "mine.jpg"]])
def test_a_folder_with_anything_else_is_never_replaced(
    zoo: DataSet, shards: Path, tmp_path: Path, names: list[str], overwrite: bool
):
    output = tmp_path / "mine"
    output.mkdir()
    for name in names:
        if name in contents(shards) and len(names) > 1:
            shutil.copy(shards / name, output)
        else:
            (output / name).write_text("{}")
    before = contents(output)

    with pytest.raises(OverwriteError, match="holds something other than shards"):
        write_shards(zoo, output, size=32, overwrite=overwrite)
    assert contents(output) == before


def test_a_file_is_no_folder_for_shards(zoo: DataSet, tmp_path: Path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(OverwriteError, match="is a file"):
        write_shards(zoo, tmp_path / "file", overwrite=True)


def test_what_is_read_is_not_replaced(shards: Path):
    from vectortag.data.shards.reading import read_shards

    with pytest.raises(OverwriteError, match="is what is read"):
        write_shards(read_shards(shards), shards, overwrite=True)


def test_a_folder_that_cannot_be_made_is_an_error(zoo: DataSet, tmp_path: Path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(OutputError, match="cannot be written"):
        write_shards(zoo, tmp_path / "file/shards")


@pytest.fixture
def large(make_data_set: Callable[..., Path], make_photo: Callable[..., Path]) -> DataSet:
    """JPEGs that a decoder may scale down, by another factor for each size; and a PNG."""
    folder = make_data_set({f"{number}.jpg": "dog" for number in range(3)} | {"3.png": "cat"}, name="large")
    for number, shape in enumerate([(400, 300), (230, 190), (1200, 900)]):
        make_photo(folder / f"{number}.jpg", size=shape)
    return read_data_set(folder)


def test_a_photo_is_read_once_and_decoded_once(large: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened, decoded = Counter(), Counter()
    watched = {str(record.path): record.path.name for record in large.records}
    counting = [True]

    def hook(event: str, given: tuple) -> None:
        if event == "open" and counting[0] and str(given[0]) in watched:
            opened[watched[str(given[0])]] += 1

    def decode(file: IO[bytes], *given: object, **named: object) -> Image.Image:
        decoded["all"] += 1
        return decode_upright(file, *given, **named)

    sys.addaudithook(hook)
    monkeypatch.setattr(pixels, "decode_upright", decode)
    write_shards(large, tmp_path / "shards", size=64)
    counting[0] = False

    assert opened == {record.path.name: 1 for record in large.records}
    assert decoded["all"] == 4


def test_a_copy_in_another_size_is_what_the_folder_gives(large: DataSet, tmp_path: Path):
    write_shards(large, tmp_path / "shards", size=64, copies=[48, 32, 64, 32], lossless=True)

    records = read_shards(tmp_path / "shards").records
    for one, other in zip(records, large.records, strict=True):
        for size in (64, 48, 32):
            np.testing.assert_array_equal(
                load_pixels(one.photo, size, PixelRecipe()), load_pixels(other.path, size, PixelRecipe())
            )
    with tarfile.open(tmp_path / "shards/photos-00000.tar") as tar:
        assert tar.getnames()[:4] == ["000000000.webp", "000000000.32.webp", "000000000.48.webp", "000000000.json"]


def test_without_a_copy_the_photo_is_resized_again(large: DataSet, tmp_path: Path):
    write_shards(large, tmp_path / "shards", size=64, lossless=True)

    record = read_shards(tmp_path / "shards").records[0]

    again, once = (load_pixels(photo, 48, PixelRecipe()) for photo in (record.photo, large.records[0].path))
    assert np.abs(again.astype(int) - once).max() > 0


def test_shards_of_shards_keep_what_is_known_of_the_originals(large: DataSet, tmp_path: Path):
    write_shards(large, tmp_path / "first", size=64, copies=[32], lossless=True)

    write_shards(read_shards(tmp_path / "first"), tmp_path / "second", size=32, lossless=True)

    first, second = (read_shards(tmp_path / name).records for name in ("first", "second"))
    for one, other, original in zip(first, second, large.records, strict=True):
        assert (one.packed.original, one.packed.print) == (other.packed.original, other.packed.print)
        np.testing.assert_array_equal(
            load_pixels(other.photo, 32, PixelRecipe()), load_pixels(original.path, 32, PixelRecipe())
        )


class TestBucket:
    @pytest.fixture
    def bucket(self, store: tuple[int, str, s3.Faults], tmp_path: Path) -> tuple[str, s3.Faults]:
        """The URL of an empty prefix, and what a proxy does to objects."""
        port, name, faults = store
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty/other.txt").write_text("of somebody")
        return s3.upload(tmp_path / "empty", port, name).replace("empty", "shards"), faults

    def objects(self, url: str) -> dict[str, bytes]:
        folder = OutputFolder(url)
        return {name: folder.read(name) or b"" for name in folder.names()}

    def test_shards_are_the_same_as_on_a_disk_and_the_index_is_last(self, zoo, bucket, tmp_path):
        url, faults = bucket
        faults.failing.update({"PUT photos-00001.tar": 2, "PUT index.json": 1, "PUT plan.json": 1})

        write_shards(zoo, f"{url}/", size=32, lossless=True, together=2)

        assert faults.failing.total() == 0
        write_shards(zoo, tmp_path / "local", size=32, lossless=True, together=2)
        assert self.objects(url) == contents(tmp_path / "local")
        names = [name for method, name in faults.written if method == "PUT" and name]
        assert (names[0], names[-1]) == ("plan.json", "index.json")
        for one, other in zip(read_tagged_photos(url).records, readable(zoo), strict=True):
            np.testing.assert_array_equal(
                load_pixels(one.photo, 32, PixelRecipe()), load_pixels(other.path, 32, PixelRecipe())
            )

    def test_a_command_that_ended_goes_on_after_the_last_whole_shard(self, zoo, bucket, tmp_path):
        url, faults = bucket
        faults.failing.update({"PUT photos-00001.jsonl": 100})
        with pytest.raises(OutputError, match=r"shards/photos-00001\.jsonl: cannot be written"):
            write_shards(zoo, url, size=32, together=2)
        with pytest.raises(DataError, match="there are no shards"):
            read_tagged_photos(url)
        faults.clear()

        write_shards(zoo, url, size=32, together=2)

        put = [name for method, name in faults.written if method == "PUT" and name]
        assert put == ["photos-00001.tar", "photos-00001.jsonl", "photos-00002.tar", "photos-00002.jsonl", "index.json"]
        write_shards(zoo, tmp_path / "local", size=32, together=2)
        assert self.objects(url) == contents(tmp_path / "local")

    def test_older_shards_are_there_until_the_new_index_is(self, zoo, bucket):
        url, faults = bucket
        write_shards(zoo, url, size=32, together=2)
        with pytest.raises(OverwriteError, match="holds complete shards"):
            write_shards(zoo, url, size=40, together=2)
        faults.failing.update({"PUT index.json": 100})

        with pytest.raises(OutputError, match=r"index\.json: cannot be written"):
            write_shards(zoo, url, size=40, together=2, overwrite=True)

        for record in read_tagged_photos(url).records:
            assert load_pixels(record.photo, 32, PixelRecipe()).shape == (32, 32, 3)
        faults.clear()
        write_shards(zoo, url, size=40, together=2, overwrite=True)
        assert read_index(url).plan.size == 40
        assert {name.split("-")[1] for name in self.objects(url) if name.startswith("photos")} == {"1"}

    def test_a_prefix_with_anything_else_is_never_replaced(self, zoo, bucket):
        url, _ = bucket

        with pytest.raises(OverwriteError, match="holds something other than shards"):
            write_shards(zoo, url.replace("shards", "empty"), size=32, overwrite=True)

    def test_a_bucket_that_is_not_there_is_an_error(self, zoo, bucket):
        with pytest.raises(OutputError, match="s3://no-such-bucket/shards"):
            write_shards(zoo, "s3://no-such-bucket/shards", size=32)

    def test_what_is_read_is_not_replaced(self, zoo, bucket):
        url, _ = bucket
        write_shards(zoo, url, size=32)

        with pytest.raises(OverwriteError, match="is what is read"):
            write_shards(read_tagged_photos(url), url, size=32, overwrite=True)


def test_a_change_of_a_photo_or_a_word_is_another_plan(zoo: DataSet, tmp_path: Path):
    write_shards(zoo, tmp_path / "first", size=32)
    path = zoo.csv
    path.write_text(path.read_text().replace("cat", "lion", 1))

    write_shards(read_data_set(path), tmp_path / "second", size=32)

    first, second = (index_of(tmp_path / name)["plan"]["source"] for name in ("first", "second"))
    assert first != second

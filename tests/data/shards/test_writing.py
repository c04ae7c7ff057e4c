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
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import DataError, OutputError, OverwriteError
from vectortag.data.records import DataSet, photo_hash, read_data_set
from vectortag.data.shards.writing import write_shards
from vectortag.runtime.pixels import PixelRecipe, load_pixels

KILLED = """
import os, signal, sys
from pathlib import Path
from vectortag.data.records import read_data_set
from vectortag.data.shards import writing

left = [int(sys.argv[3])]

def killing(record, plan, resized=writing._resized):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return resized(record, plan)

writing._resized = killing
writing.write_shards(read_data_set(sys.argv[1]), Path(sys.argv[2]), size=32, together=2)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


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
    pixels = np.asarray(Image.open(io.BytesIO(members["000000001.webp"])).convert("RGB"))
    np.testing.assert_array_equal(pixels, load_pixels(zoo.records[1].path, 32, PixelRecipe()))


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


def test_a_change_of_a_photo_or_a_word_is_another_plan(zoo: DataSet, tmp_path: Path):
    write_shards(zoo, tmp_path / "first", size=32)
    path = zoo.csv
    path.write_text(path.read_text().replace("cat", "lion", 1))

    write_shards(read_data_set(path), tmp_path / "second", size=32)

    first, second = (index_of(tmp_path / name)["plan"]["source"] for name in ("first", "second"))
    assert first != second

"""A folder for each word."""

from __future__ import annotations

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats.convert import convert


def test_the_name_of_a_folder_is_the_word_of_its_photos(make_photo, read, tmp_path):
    for name in ("dog/1.jpg", "dog/deeper/2.jpg", "polar bear/3.png"):
        make_photo(f"set/{name}")

    done = convert(tmp_path / "set", output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog"}, None), "2.jpg": ({"dog"}, None), "3.png": ({"polar bear"}, None)}
    assert (tmp_path / "known_tags.txt").read_text() == "dog\npolar bear\n"


def test_folders_of_parts_are_the_column_split(make_photo, read, tmp_path):
    for name in ("train/dog/1.jpg", "valid/dog/2.jpg", "test/cat/3.jpg"):
        make_photo(f"set/{name}")

    done = convert(tmp_path / "set", output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog"}, "train"), "2.jpg": ({"dog"}, "val"), "3.jpg": ({"cat"}, "test")}
    assert done.parts == {"train": 1, "val": 1, "test": 1}


def test_a_folder_without_folders_of_photos_is_refused(make_photo, tmp_path):
    make_photo("set/1.jpg")

    with pytest.raises(DataError, match="expected a folder of photos for each word, found no photo in any"):
        convert(tmp_path / "set", output=tmp_path / "metadata.csv")

"""A table with a column for each word."""

from __future__ import annotations

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats.convert import convert


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_one_is_a_word_and_a_zero_is_none(write, make_photo, read, tmp_path, separator):
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        make_photo(f"photos/{name}")
    lines = ["filename,dog,traffic light,Split", "1.jpg,1,0,train", "2.jpg,0,1.0,val", "3.jpg,False,0,test"]
    table = "\n".join(line.replace(",", separator) for line in lines)

    done = convert(write("labels.csv", table), output=tmp_path / "metadata.csv", photos=tmp_path / "photos")

    assert read(done.output) == {
        "1.jpg": ({"dog"}, "train"),
        "2.jpg": ({"traffic light"}, "val"),
        "3.jpg": (set(), "test"),
    }
    assert (tmp_path / "known_tags.txt").read_text() == "dog\ntraffic light\n"
    assert done.format == ("one-hot",)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("filename,dog\n1.jpg,2\n", r"labels\.csv:2: column 'dog': expected 1 or 0, got '2'"),
        ("filename,dog\n1.jpg,\n", r"column 'dog': expected 1 or 0, got ''"),
        ("filename,dog\n1.jpg,-1\n", r"expected 1 or 0, got '-1'\. Fix it$"),
        ("name,dog\n1.jpg,1\n", "no column names the photos. Call it one of: image_path, file_name"),
        ("filename,split\n1.jpg,train\n", "expected a column for each word beside 'filename', got none"),
        ("filename,dog\n../1.jpg,1\n", r"\.\./1\.jpg is not below"),
        ("filename,dog\n1.jpg,1,0\n", "more fields than columns"),
    ],
)
def test_what_is_wrong_is_refused_with_its_row(write, make_photo, tmp_path, table, problem):
    make_photo("1.jpg")

    with pytest.raises(DataError, match=problem):
        convert(write("labels.csv", table), output=tmp_path / "metadata.csv")


def test_the_numbers_that_pandas_puts_before_each_row_are_no_word(write, make_photo, read, tmp_path):
    make_photo("1.jpg")

    done = convert(write("labels.csv", ",filename,dog\n0,1.jpg,1\n"), output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog"}, None)}
    assert (tmp_path / "known_tags.txt").read_text() == "dog\n"

"""What every format is read into, and what no entry of a file of strangers may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats import rows
from vectortag.data.formats.rows import PARTS, checked_words, photo_below, read_whole


@pytest.mark.parametrize("name", ["a.jpg", "in/deep/a.jpg", "./a.jpg", "..a/b..jpg", "Möwe 海.jpg"])
def test_a_name_leads_to_a_photo_below_the_folder(tmp_path: Path, name: str):
    assert photo_below(tmp_path, name, "labels.json: image 1") == tmp_path / name


def test_a_whole_path_may_lead_there_too(tmp_path: Path):
    assert photo_below(tmp_path, str(tmp_path / "in/a.jpg"), "row 2") == tmp_path / "in/a.jpg"


@pytest.mark.parametrize("name", ["../a.jpg", "in/../../a.jpg", "/etc/passwd", "in/.."])
def test_a_name_that_leads_out_of_the_folder_is_refused_with_its_entry(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=r"^row 2: .* is not below .*Pass --photos"):
        photo_below(tmp_path, name, "row 2")


@pytest.mark.parametrize("name", ["", "a\nb.jpg", "a\0.jpg", "a" * 4097])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=r"^row 2: expected the name of a photo, got ") as caught:
        photo_below(tmp_path, name, "row 2")

    assert len(str(caught.value)) < 200


def test_each_word_counts_once_without_the_blanks_around_it():
    assert checked_words([" dog", "sea", "dog ", "Dog", "x" * 200], "row 2") == ("dog", "sea", "Dog", "x" * 200)
    assert checked_words([], "row 2") == ()


@pytest.mark.parametrize("word", ["", "  ", None, 7, ["dog"], "a\nb", "x" * 201])
def test_what_cannot_be_a_word_is_refused_with_its_entry(word: object):
    with pytest.raises(DataError, match=r"^row 2: expected a word of 1 to 200 characters, got "):
        checked_words(["dog", word], "row 2")


@pytest.mark.parametrize(
    ("name", "part"), [("train2017", "train"), ("valid", "val"), ("validation", "val"), ("test", "test")]
)
def test_the_parts_of_a_set_have_many_names(name: str, part: str):
    assert PARTS[name] == part


def test_a_file_is_read_unless_it_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "labels.json"
    file.write_bytes(b"12345")
    assert read_whole(file) == b"12345"

    monkeypatch.setattr(rows, "LARGEST", 4)
    with pytest.raises(DataError, match=r"labels\.json: has 0 MiB, more than 0\. Split it into several files"):
        read_whole(file)
    with pytest.raises(DataError, match=r"none\.json: cannot be read: No such file"):
        read_whole(tmp_path / "none.json")

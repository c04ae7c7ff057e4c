"""Corrections as rows of a metadata.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from vectortag.core.errors import DataError, OutputError
from vectortag.data.records import read_data_set
from vectortag.model.taxonomy import Taxonomy
from vectortag.personal.corrections import Correction
from vectortag.personal.corrections_csv import corrected_words, write_corrected

TAXONOMY = Taxonomy(synonyms={"dog": ["puppy"]}, implications={"dog": ["animal"]})


def said(*tags: str, photo: Path = Path("a.jpg")) -> list[Correction]:
    """said("dog", "-sea"): has a dog, has no sea."""
    return [Correction(photo, tag.lstrip("-"), not tag.startswith("-")) for tag in tags]


@pytest.mark.parametrize(
    ("words", "corrections", "expected"),
    [
        (["sea"], ["dog"], ["sea", "dog"]),
        (["puppy", "sea"], ["dog"], ["puppy", "sea"]),  # it says so already
        (["puppy", "sea"], ["-dog"], ["sea"]),
        (["puppy", "sea"], ["-animal"], ["sea"]),  # no animal, so no dog
        (["dog"], ["animal"], ["dog"]),
        (["sea"], ["-dog"], ["sea"]),
        ([], ["-dog", "sea"], ["sea"]),
    ],
)
def test_words_of_one_photo(words: list[str], corrections: list[str], expected: list[str]):
    assert corrected_words(words, said(*corrections), TAXONOMY) == expected


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_corrected_photos_have_what_the_model_says_and_what_was_said(make_photo, tmp_path):
    photo = make_photo("deep/1.jpg")

    count = write_corrected(
        tmp_path / "new.csv", said("dog", "-boat", photo=photo), TAXONOMY, tags={photo: ["sea", "boat"]}
    )

    assert count == 1
    (record,) = read_data_set(tmp_path / "new.csv").records
    assert (record.path, record.words) == (photo, ("sea", "dog"))


def test_another_files_rows_are_kept_and_corrected(make_data_set, make_photo, tmp_path):
    folder = make_data_set({"1.jpg": "puppy, sea", "2.jpg": "boat"}, splits={"1.jpg": "train", "2.jpg": "val"})
    old = (folder / "metadata.csv").read_text()
    extra = make_photo("extra.jpg")

    count = write_corrected(
        tmp_path / "new.csv",
        [*said("-dog", photo=folder / "1.jpg"), *said("dog", photo=extra)],
        TAXONOMY,
        tags={extra: ["sea"]},
        onto=folder / "metadata.csv",
    )

    assert count == 2
    assert rows(tmp_path / "new.csv") == [
        {"image_path": "photos/1.jpg", "tags": "['sea']", "split": "train"},
        {"image_path": "photos/2.jpg", "tags": "boat", "split": "val"},
        {"image_path": "extra.jpg", "tags": "['sea', 'dog']", "split": ""},
    ]
    assert (folder / "metadata.csv").read_text() == old


def test_a_file_that_is_no_metadata_csv_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")

    with pytest.raises(DataError, match="no column 'image_path'"):
        write_corrected(tmp_path / "new.csv", said("dog"), TAXONOMY, tags={}, onto=tmp_path / "other.csv")
    assert not (tmp_path / "new.csv").exists()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_corrected(tmp_path / "missing" / "new.csv", said("dog"), TAXONOMY, tags={})

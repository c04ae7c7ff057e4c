"""What the look at a data set says of photos that show one picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vectortag.data.check import check_data_set
from vectortag.data.records import read_data_set
from vectortag.model.taxonomy import Taxonomy


@pytest.fixture
def data_set(make_data_set: Callable[..., Path]) -> Path:
    """Four photos and a small copy of the second, last of all."""
    folder = make_data_set({f"{n}.jpg": "dog" for n in range(5)})
    with Image.open(folder / "1.jpg") as image:
        image.resize((40, 30), Image.Resampling.BICUBIC).save(folder / "4.jpg")
    return folder


def test_photos_that_show_one_picture_are_a_group_but_no_problem(data_set: Path):
    report = check_data_set(read_data_set(data_set), Taxonomy())

    assert report.duplicates == ((data_set / "1.jpg", data_set / "4.jpg"),)
    assert not report.has_problems


def test_a_photo_in_two_rows_is_not_its_own_duplicate(data_set: Path):
    with (data_set / "metadata.csv").open("a") as file:
        file.write("0.jpg,dog\n")

    report = check_data_set(read_data_set(data_set), Taxonomy())

    assert [record.path for record in report.data.repeated] == [data_set / "0.jpg"]
    assert report.duplicates == ((data_set / "1.jpg", data_set / "4.jpg"),)


def test_a_broken_photo_has_no_duplicates_and_shifts_nobody(data_set: Path):
    (data_set / "0.jpg").write_text("not a photo")

    report = check_data_set(read_data_set(data_set), Taxonomy())

    assert len(report.unreadable) == 1
    assert report.duplicates == ((data_set / "1.jpg", data_set / "4.jpg"),)


def test_a_set_of_broken_photos_is_reported_like_any_other(make_data_set: Callable[..., Path]):
    folder = make_data_set({"1.jpg": "dog"})
    (folder / "1.jpg").write_text("not a photo")

    report = check_data_set(read_data_set(folder), Taxonomy())

    assert (len(report.unreadable), report.duplicates) == (1, ())

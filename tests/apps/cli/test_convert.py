"""vectortag convert"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.data.records import read_data_set

Cli = Callable[..., Any]


@pytest.fixture
def coco(make_photo: Callable[..., Path], tmp_path: Path) -> list[Path]:
    """The JSON files of two parts, train and val, beside their photos."""
    files = []
    for part, count in (("train", 3), ("val", 2)):
        names = [f"{part}{number}.jpg" for number in range(count)]
        for name in names:
            make_photo(f"coco/{name}")
        content = {
            "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
            "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "sea"}],
            "annotations": [{"id": n, "image_id": n, "category_id": 1 + n % 2} for n in range(count)],
        }
        files.append(tmp_path / "coco" / f"instances_{part}2017.json")
        files[-1].write_text(json.dumps(content))
    return files


def test_parts_become_one_data_set_that_every_command_reads(cli: Cli, coco: list[Path], tmp_path: Path):
    output = tmp_path / "metadata.csv"

    done = cli("convert", *coco, "--photos", tmp_path / "coco", "--output", output)

    assert (done.status, done.stdout) == (0, f"{output}\n"), done.stderr
    assert done.stderr.splitlines()[-1] == "coco: 5 photos, 2 words, 3 train, 2 val"
    assert len(read_data_set(output).records) == 5
    assert cli("check", output).status in (0, 1)


def test_progress_is_hushed_and_the_name_of_the_file_is_data(cli: Cli, coco: list[Path], tmp_path: Path):
    output = tmp_path / "metadata.csv"

    done = cli("--quiet", "convert", *coco, "--photos", tmp_path / "coco", "--output", output)

    assert done.stdout == f"{output}\n"
    assert "photos" not in done.stderr


def test_a_photo_that_is_missing_stops_it_unless_bad_rows_may_be_skipped(cli: Cli, coco: list[Path], tmp_path: Path):
    (tmp_path / "coco" / "val1.jpg").unlink()
    command = ("convert", *coco, "--photos", tmp_path / "coco", "--output", tmp_path / "metadata.csv")

    refused = cli(*command)
    assert refused.status == 1
    assert "val1.jpg" in refused.stderr
    assert not (tmp_path / "metadata.csv").exists()

    done = cli(*command, "--skip-bad-rows")
    assert done.status == 0
    assert "coco: 4 photos, 2 words, 3 train, 1 val" in done.stderr


def test_an_older_file_stays_unless_it_may_be_replaced(cli: Cli, coco: list[Path], tmp_path: Path):
    (tmp_path / "metadata.csv").write_text("precious")
    command = ("convert", *coco, "--photos", tmp_path / "coco", "--output", tmp_path / "metadata.csv")

    refused = cli(*command)

    assert refused.status in (1, 2)
    assert "--overwrite" in refused.stderr
    assert (tmp_path / "metadata.csv").read_text() == "precious"
    assert cli(*command, "--overwrite").status == 0

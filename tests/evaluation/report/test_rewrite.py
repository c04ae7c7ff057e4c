"""The report of a finished model again, from the photos that it kept."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from vectortag.assembly.fit import fit
from vectortag.core.errors import DataError
from vectortag.core.folders import report_folder
from vectortag.data.records import photo_hash
from vectortag.evaluation.evaluate import evaluate
from vectortag.evaluation.report.rewrite import report_on
from vectortag.inference.tagger import Tagger
from vectortag.model.history import Epoch, Learning, learning_of

WORDS = {f"{n:02}.jpg": ("dog, beach", "sea", "vehicle", "boat, sea", "")[n % 5] for n in range(30)}


@pytest.fixture
def sets(make_data_set: Callable[..., Path]) -> list[Path]:
    return [make_data_set(WORDS, name="one"), make_data_set(dict(list(WORDS.items())[:20]), name="two")]


@pytest.fixture
def model(write_tiny_model: Callable[..., Any], sets: list[Path], tmp_path: Path) -> Path:
    """The tiny model, after a training on both sets from which it kept the photos of odd numbers."""
    infos = [
        {
            "name": folder.name,
            "train_photos": 9,
            "known": ("dog", "beach", "sea", "vehicle"),
            "validation": [photo_hash(photo) for photo in sorted(folder.glob("*.jpg"))[1::2]],
        }
        for folder in sets
    ]
    provenance = {"epochs": [{"train_loss": 0.5, "val_loss": 0.6, "val_map": 0.7}] * 3, "best_epoch": 2}
    return write_tiny_model(tmp_path / "model", data_sets=infos, provenance=provenance).path


def rows_of(report: Path) -> list[dict[str, str]]:
    with (report / "per_tag.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_has_the_figures_of_each_set_as_evaluate_has_them(model: Path, sets: list[Path], tmp_path: Path):
    report = report_on(model, sets, output=tmp_path / "report")

    tagger = Tagger.load(model, precision="exact")
    expected = [
        {"data": folder.name, **{name: "" if value is None else str(value) for name, value in asdict(tag).items()}}
        for folder in sets
        for tag in evaluate(tagger, folder, split="val").tags
    ]
    assert rows_of(report) == expected
    assert report == tmp_path / "report"


def test_it_lies_where_the_page_finds_it(model: Path, sets: list[Path]):
    assert report_on(model, sets) == report_folder("tiny")
    assert (report_folder("tiny") / "README.md").is_file()


def test_it_is_the_report_that_a_fit_writes(make_data_set: Callable[..., Path], tiny_model: Path):
    data = make_data_set(WORDS)
    fit(data, name="mine", model=tiny_model, min_photos=1)
    before = {file.name: file.read_bytes() for file in report_folder("mine").iterdir()}

    again = report_on("mine", [data], output=report_folder("again"))

    assert {file.name: file.read_bytes() for file in again.iterdir()} == before


def test_a_broken_photo_is_left_out_and_named(
    tiny_model: Path, make_data_set: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    data = make_data_set(WORDS, splits={name: "val" if int(name[:2]) % 2 else "train" for name in WORDS})
    (data / "01.jpg").write_text("no photo")

    report = report_on(tiny_model, [data], output=tmp_path / "report")

    assert "left out: row 3: " in caplog.text
    assert "| photos | 14 |" in (report / "README.md").read_text()


def test_a_set_of_which_the_model_kept_nothing_is_an_error(
    model: Path, make_data_set: Callable[..., Path], make_photo: Callable[..., Path], tmp_path
):
    other = make_data_set({"90.jpg": "dog"}, name="other")
    make_photo("other/90.jpg", seed=99)
    with pytest.raises(DataError, match='was not trained on a set named "other"'):
        report_on(model, [other], output=tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_how_the_training_went_is_as_the_manifest_remembers(model: Path, tiny_model: Path):
    epoch = Epoch(0.5, 0.6, 0.7)

    assert learning_of(Tagger.load(model).folder.manifest.provenance) == Learning((epoch,) * 3, 1)
    assert learning_of(Tagger.load(tiny_model).folder.manifest.provenance) is None

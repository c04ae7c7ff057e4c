"""README.md of a report: its sections are those of the files that are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.evaluation.report.text import SECTIONS, readme
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.history import Epoch, Learning

FIGURES = {"photos": [9] * 6, "average_precision": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]}


@pytest.fixture
def model(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_each_file_has_a_section_and_a_missing_one_has_none(model: ModelFolder):
    text = readme(model, None, [], FIGURES, {"reliability.png", "per_tag.csv"})

    assert [name for name in SECTIONS if f"({name})" in text] == ["reliability.png", "per_tag.csv"]
    assert text.index("## Honest scores") < text.index("## Every tag")


def test_it_names_the_model_and_its_best_and_worst_tags(model: ModelFolder):
    text = readme(model, None, [], FIGURES, ())

    assert text.startswith(f"# How tiny was trained\n\nThe model is `{model.id}`, with 6 tags.\n")
    assert "| animal | 9 | 90.0 | vehicle | 9 | 40.0 |" in text


def test_the_kept_epoch_is_counted_from_one(model: ModelFolder):
    learning = Learning((Epoch(0.5, 0.6, 0.2), Epoch(0.3, 0.4, 0.5), Epoch(0.1, 0.5, 0.4)), best=1)

    text = readme(model, learning, [], FIGURES, ())

    assert f"Of 3 epochs the best, number 2, was kept:\n{learning.epochs[1]}." in text


def test_over_folds_it_names_the_files_that_tell_more(write_tiny_model: Callable[..., ModelFolder], tmp_path: Path):
    spread = {"mean": 0.5, "deviation": 0.01}
    folds = {"folds": 3, "map": spread, "micro_f1": spread, "labels": 9, "doubted": 1}
    model = write_tiny_model(tmp_path / "model", metrics={"folds": folds}, provenance={"data": {"zoo": "0a1b"}})

    text = readme(model, None, [], FIGURES, ())

    assert "mAP 50.0 ± 1.0" in text
    assert "label_errors.html" in text
    assert "words of zoo: `0a1b`" in text


def test_without_a_training_no_epoch_is_told(model: ModelFolder):
    assert "epochs" not in readme(model, None, [], FIGURES, ())

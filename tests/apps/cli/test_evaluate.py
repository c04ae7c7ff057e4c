"""vectortag evaluate"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
WORDS = {f"{n}.jpg": words for n, words in enumerate(["dog", "beach, sea", "sea", "vehicle", "dog, vehicle", "boat"])}
SPLITS = {f"{n}.jpg": "val" if n in (1, 3) else "train" for n in range(6)}


@pytest.fixture
def data(make_data_set: Callable[..., Path]) -> Path:
    return make_data_set(WORDS)


def test_json_is_the_report(cli: Cli, tiny_model: Path, data: Path, tagger: Tagger):
    outcome = cli("evaluate", tiny_model, data, "--json")

    assert (outcome.status, outcome.stderr) == (0, "")
    assert json.loads(outcome.stdout) == evaluate(tagger, data).to_json()


def test_a_table_shows_the_same_figures(cli: Cli, tiny_model: Path, data: Path, tagger: Tagger):
    report = evaluate(tagger, data)

    heading, *lines = cli("evaluate", tiny_model, data).stdout.splitlines()

    assert heading == f"{report.model} in f32 at 32 pixels on photos, all: 6 photos"
    rows = [line.split() for line in lines]
    assert ["macro", "mAP", f"{100 * report.map:.1f}", "over", f"{report.map_tags}", "tags"] in rows
    assert ["micro", "F1", f"{100 * report.micro_f1:.1f}", "at", "the", "fitted", "thresholds"] in rows
    for tag in report.tags:
        precision = "-" if tag.average_precision is None else f"{100 * tag.average_precision:.1f}"
        threshold = "-" if tag.threshold is None else f"{tag.threshold:.2f}"
        (row,) = [row for row in rows if row[0] == tag.tag]
        assert row[1:4] == [str(tag.support), precision, threshold]
        assert row[6] == f"{100 * tag.f1:.1f}"


def test_an_output_gets_the_json_and_stdout_the_table(cli: Cli, tiny_model: Path, data: Path, tmp_path: Path):
    outcome = cli("evaluate", tiny_model, data, "--output", tmp_path / "report.json")

    assert json.loads((tmp_path / "report.json").read_text())["photos"] == 6
    assert outcome.stdout == cli("evaluate", tiny_model, data).stdout


def test_an_output_with_json_leaves_stdout_empty(cli: Cli, tiny_model: Path, data: Path, tmp_path: Path):
    assert cli("evaluate", tiny_model, data, "--json", "--output", tmp_path / "report.json").stdout == ""
    assert (tmp_path / "report.json").read_text() == cli("evaluate", tiny_model, data, "--json").stdout


def test_a_part_may_be_chosen(cli: Cli, tiny_model: Path, make_data_set: Callable[..., Path]):
    data = make_data_set(WORDS, splits=SPLITS)

    report = json.loads(cli("evaluate", tiny_model, data / "metadata.csv", "--json", "--split", "val").stdout)

    assert (report["split"], report["photos"]) == ("val", 2)


def test_a_profile_chooses_the_thresholds(cli: Cli, tiny_model: Path, data: Path):
    report = json.loads(cli("evaluate", tiny_model, data, "--json", "--profile", "thorough").stdout)

    thresholds = [tag["threshold"] for tag in report["tags"] if tag["tag"] != "sea"]
    assert thresholds == pytest.approx([0.3] * 3)


def test_a_part_that_nobody_knows_is_an_error(cli: Cli, tiny_model: Path, data: Path):
    outcome = cli("evaluate", tiny_model, data, "--split", "val", "--dataset", "holiday")

    assert (outcome.status, outcome.stdout) == (1, "")
    assert 'tiny was not trained on a set named "holiday"' in outcome.stderr


def test_a_broken_photo_stops_it_or_is_left_out_and_said_to_be(cli: Cli, tiny_model: Path, data: Path):
    (data / "2.jpg").write_text("not a photo")

    stopped = cli("evaluate", tiny_model, data, "--json")
    outcome = cli("evaluate", tiny_model, data, "--json", "--skip-bad-rows")

    assert (stopped.status, stopped.stdout) == (1, "")
    assert "2.jpg: not a photo" in stopped.stderr
    assert stopped.stderr.endswith("Fix the photo or pass --skip-bad-rows.\n")
    assert outcome.status == 0
    assert json.loads(outcome.stdout)["photos"] == 5
    assert outcome.stderr.startswith(f"left out: row 4: {data}/2.jpg: not a photo")
    assert outcome.stderr.count("\n") == 1


def test_a_bad_row_is_an_error_or_left_out(cli: Cli, tiny_model: Path, data: Path):
    with (data / "metadata.csv").open("a") as file:
        file.write(",dog\n")

    stopped = cli("evaluate", tiny_model, data, "--json")
    went_on = cli("evaluate", tiny_model, data, "--json", "--skip-bad-rows")

    assert (stopped.status, stopped.stdout) == (1, "")
    assert stopped.stderr.startswith('error: metadata.csv:8: column "image_path" is empty')
    assert (went_on.status, json.loads(went_on.stdout)["photos"]) == (0, 6)


def test_a_data_set_that_is_not_there_is_an_error(cli: Cli, tiny_model: Path, tmp_path: Path):
    outcome = cli("evaluate", tiny_model, tmp_path / "gone.csv")

    assert (outcome.status, outcome.stdout) == (1, "")
    assert "gone.csv: cannot be read: No such file" in outcome.stderr


def test_what_one_photo_cannot_tell_is_a_dash(cli: Cli, tiny_model: Path, make_data_set: Callable[..., Path]):
    outcome = cli("evaluate", tiny_model, make_data_set({"1.jpg": "dog"}))

    assert outcome.status == 0
    assert "nan" not in outcome.stdout
    assert ["calibration", "error", "-", "per", "tag", "-"] in [line.split() for line in outcome.stdout.splitlines()]

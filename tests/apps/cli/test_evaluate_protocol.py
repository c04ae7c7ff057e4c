"""vectortag evaluate --protocol"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.evaluation.protocols import evaluate_by_protocol
from vectortag.inference.tagger import Tagger
from vectortag.model.taxonomy import Taxonomy

Cli = Callable[..., Any]
WORDS = {f"{n}.jpg": words for n, words in enumerate(["dog, animal", "beach, sea", "sea", "vehicle", "dog", "boat"])}


@pytest.fixture
def model(write_tiny_model: Callable[..., Any], tmp_path: Path) -> Path:
    """The tiny model, trained on raw words."""
    return write_tiny_model(tmp_path / "model", taxonomy=Taxonomy()).path


@pytest.fixture
def data(make_data_set: Callable[..., Path]) -> Path:
    return make_data_set(WORDS)


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


@pytest.mark.parametrize("protocol", ["corel5k", "coco"])
def test_json_is_the_report(cli: Cli, model: Path, data: Path, protocol: Any):
    outcome = cli("evaluate", model, data, "--protocol", protocol, "--json")

    assert (outcome.status, outcome.stderr) == (0, "")
    report = evaluate_by_protocol(Tagger.load(model), data, protocol).to_json()
    assert json.loads(outcome.stdout) == json.loads(json.dumps(report))


def test_the_figures_of_corel5k_are_shown_as_percentages(cli: Cli, model: Path, data: Path):
    figures = evaluate_by_protocol(Tagger.load(model), data, "corel5k").figures

    heading, *lines = rows(cli("evaluate", model, data, "--protocol", "corel5k").stdout)

    assert " ".join(heading) == f"{Tagger.load(model).folder.id} in f32 at 32 pixels on photos, all: 6 photos"
    assert " ".join(lines[0]).endswith("means over 6 test words, 0 of them not in the model")
    assert lines[1:] == [
        ["precision", f"{100 * figures.precision:.1f}"],
        ["recall", f"{100 * figures.recall:.1f}"],
        ["F1", f"{100 * figures.f1:.1f}"],
        ["N+", str(figures.n_plus)],
    ]


def test_a_taxonomy_makes_them_incomparable_and_that_is_said(cli: Cli, tiny_model: Path, make_data_set):
    data = make_data_set({**WORDS, "6.jpg": "puppy"})

    output = cli("evaluate", tiny_model, data, "--protocol", "corel5k").stdout

    assert "not comparable    the model's taxonomy translated the words" in output


def test_the_figures_of_coco_are_shown_as_percentages(cli: Cli, model: Path, data: Path):
    figures = evaluate_by_protocol(Tagger.load(model), data, "coco").figures

    _, precision, at_half, top_three = rows(cli("evaluate", model, data, "--protocol", "coco").stdout)

    assert precision == ["mAP", f"{100 * figures.map:.1f}", "over", "6", "of", "6", "categories"]
    for line, of in ((at_half, figures.at_half), (top_three, figures.top_three)):
        assert line[-12:] == [
            *("CP", f"{100 * of.class_precision:.1f}", "CR", f"{100 * of.class_recall:.1f}"),
            *("CF1", f"{100 * of.class_f1:.1f}", "OP", f"{100 * of.overall_precision:.1f}"),
            *("OR", f"{100 * of.overall_recall:.1f}", "OF1", f"{100 * of.overall_f1:.1f}"),
        ]


def test_a_part_and_a_set_name_may_be_given(cli: Cli, model: Path, make_data_set):
    data = make_data_set(WORDS, splits={name: "val" if name < "3.jpg" else "train" for name in WORDS})

    output = cli(
        *("evaluate", model, data, "--protocol", "corel5k", "--split", "val", "--dataset", "corel", "--json")
    ).stdout

    report = json.loads(output)
    assert (report["data"], report["split"], report["photos"]) == ("corel", "val", 3)


def test_a_model_without_the_categories_is_wrong_usage(cli: Cli, model: Path, make_data_set):
    outcome = cli("evaluate", model, make_data_set({"1.jpg": "toaster"}), "--protocol", "coco")

    assert (outcome.status, outcome.stdout) == (2, "")
    assert "have no tag of their own: toaster" in outcome.stderr


def test_a_broken_photo_is_left_out_and_said_to_be(cli: Cli, model: Path, data: Path):
    (data / "2.jpg").write_text("not a photo")

    outcome = cli("evaluate", model, data, "--protocol", "coco", "--json", "--skip-bad-rows")

    assert (outcome.status, json.loads(outcome.stdout)["photos"]) == (0, 5)
    assert outcome.stderr.startswith(f"left out: row 4: {data}/2.jpg: not a photo")

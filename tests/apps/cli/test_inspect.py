"""vectortag inspect"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vectortag.model.folder import read_model_folder
from vectortag.model.registry import model_folders
from vectortag.runtime.cpu import this_machine

Cli = Callable[..., Any]


class TestModel:
    def test_it_shows_thresholds_and_parents_of_each_tag(self, cli: Cli, own_model: Path):
        outcome = cli("inspect", "mine")

        assert outcome.status == 0
        assert (
            outcome.stdout.splitlines()[0] == f"{read_model_folder(own_model).id}: 6 tags, two convolutions, 32 pixels"
        )
        rows = [line.split() for line in outcome.stdout.splitlines()]
        for row in (
            ["dog", "0.70", "0.50", "0.30", "photos", "animal"],
            ["boat", "0.70", "0.50", "0.30", "photos", "vehicle"],
            ["sea", "-", "-", "-", "photos"],
            ["animal", "0.70", "0.50", "0.30", "photos"],
        ):
            assert row in rows

    def test_it_says_which_tags_no_photo_has_taught(self, cli: Cli, write_tiny_model, with_untaught, tmp_path: Path):
        lines = cli("inspect", write_tiny_model(tmp_path / "model", **with_untaught).path).stdout.splitlines()

        taught = {words[0]: words[4] for words in map(str.split, lines[-6:])}
        assert taught == {
            "animal": "children", "beach": "photos", "dog": "photos", "sea": "photos",
            "boat": "pretraining", "vehicle": "pretraining",
        }  # fmt: skip
        assert any(line.startswith("tags    2 have no labels in these data sets") for line in lines)

    def test_where_photos_taught_all_it_says_nothing_of_that(self, cli: Cli, own_model: Path):
        assert "have no labels" not in cli("inspect", "mine").stdout

    def test_it_shows_the_data_and_where_the_folder_is(self, cli: Cli, own_model: Path):
        lines = cli("inspect", "mine").stdout.splitlines()

        assert f"folder  {own_model}  (all files verified)" in lines
        assert "data    holiday: 1,234 training photos, 1 kept for validation" in lines

    def test_json_is_the_manifest_as_it_is(self, cli: Cli, tiny_model: Path):
        assert cli("inspect", tiny_model, "--json").stdout == (tiny_model / "manifest.json").read_text()

    def test_json_keeps_text_that_looks_like_markup(self, cli: Cli, tmp_path: Path, write_tiny_model):
        model = write_tiny_model(tmp_path / "model", provenance={"about": "[bold]:dog:[/]\\n é"}).path

        assert json.loads(cli("inspect", model, "--json").stdout)["provenance"] == {"about": "[bold]:dog:[/]\\n é"}

    def test_a_changed_model_is_an_error(self, cli: Cli, own_model: Path):
        (own_model / "MODEL_CARD.md").write_text("better than it is")

        outcome = cli("inspect", "mine")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert "MODEL_CARD.md: changed since the model was written" in outcome.stderr

    def test_an_unknown_model_is_wrong_usage(self, cli: Cli, own_model: Path):
        outcome = cli("inspect", "mime")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr.startswith(
            'error: no model "mime", neither by name nor as a folder. Did you mean "mine"?'
        )
        assert outcome.stderr.endswith("See: vectortag models\n")


class TestMachine:
    def test_it_says_what_runs_the_model_and_why(self, cli: Cli, tiny_model: Path):
        said = cli("inspect", tiny_model, "--machine").stdout

        assert f"processor   {this_machine().cpu}, {this_machine().cores} cores" in said
        assert "runtimes    openvino 2" in said
        assert "tiny        openvino, f32: float32; no lower precision is known that loses at most 0.5 points" in said

    def test_without_a_model_there_is_a_line_for_each(self, cli: Cli, own_model: Path):
        lines = cli("inspect", "--machine").stdout.splitlines()

        names = [read_model_folder(folder).manifest.name for folder in model_folders()]
        assert "mine" in names
        assert [line.split()[0] for line in lines[3:]] == names

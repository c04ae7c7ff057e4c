"""vectortag models"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.model.folder import read_model_folder
from vectortag.model.registry import model_folders

Cli = Callable[..., Any]


class TestModels:
    def test_the_users_own_model_is_listed(self, cli: Cli, own_model: Path):
        outcome = cli("models")

        (row,) = [line for line in outcome.stdout.splitlines() if "mine@" in line]
        assert outcome.status == 0
        assert row.split()[:2] == [read_model_folder(own_model).id, "6"]
        assert "holiday 62.5" in row
        assert str(own_model) in row  # whole, however long: this output is no terminal

    def test_json_describes_every_model(self, cli: Cli, own_model: Path):
        listed = json.loads(cli("models", "--json").stdout)

        assert [model["path"] for model in listed] == [str(folder) for folder in model_folders()]
        (mine,) = [model for model in listed if model["name"] == "mine"]
        assert mine.pop("megabytes") == pytest.approx(0.0, abs=0.1)
        assert mine == {
            "name": "mine",
            "id": read_model_folder(own_model).id,
            "default": False,
            "tags": 6,
            "architecture": "two convolutions",
            "size": 32,
            "sizes": [32],
            "map": {"holiday": 0.625},
            "path": str(own_model),
        }

    def test_the_default_model_is_marked(self, cli: Cli, own_model: Path, monkeypatch):
        monkeypatch.setattr("vectortag.apps.cli.models.DEFAULT_MODEL", "mine")

        assert "mine@" in re.search(r".*\(default\)", cli("models").stdout)[0]
        assert [m["name"] for m in json.loads(cli("models", "--json").stdout) if m["default"]] == ["mine"]

    def test_a_damaged_model_is_named_and_the_others_are_listed(self, cli: Cli, own_model: Path, write_tiny_model):
        damaged = write_tiny_model(own_model.with_name("damaged")).network
        damaged.write_bytes(b"")

        outcome = cli("models", "--json")

        assert outcome.status == 1
        assert f"{damaged}: changed since the model was written" in outcome.stderr
        names = [model["name"] for model in json.loads(outcome.stdout)]
        assert "mine" in names
        assert "tiny" not in names


class TestRemove:
    def test_a_model_of_one_s_own_is_removed_and_said(self, cli: Cli, own_model: Path):
        outcome = cli("models", "--remove", "mine")

        assert (outcome.status, outcome.stdout) == (0, f"removed: {own_model}\n")
        assert "mine@" not in cli("models").stdout

    def test_a_shipped_model_is_refused(self, cli: Cli):
        outcome = cli("models", "--remove", "lite2")

        assert outcome.status == 2
        assert '"lite2" comes with VectorTag and is not removed' in outcome.stderr

    def test_the_option_for_added_tags_alone_is_refused(self, cli: Cli):
        assert cli("models", "--with-added-tags").status == 2

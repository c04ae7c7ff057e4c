"""vectortag bench, and what `vectortag inspect --machine` says of it"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.inference.benchmark import Candidate, Measured
from vectortag.model.folder import read_model_folder
from vectortag.runtime.cpu import this_machine

Cli = Callable[..., Any]
SLOW, FAST, BROKEN = Candidate("openvino", "f32"), Candidate("onnxruntime", "f32"), Candidate("openvino", "bf16")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of minutes of measuring: what three candidates came to."""

    def results(*_: Any, **__: Any) -> Any:
        yield SLOW, Measured(SLOW, 10.0, 100.0, 0.5, np.float32([[0.5, 0.25]]))
        yield FAST, Measured(FAST, 20.0, 50.0, 0.25, np.float32([[0.5, 0.26]]))
        yield BROKEN, "this processor does not have it"

    monkeypatch.setattr("vectortag.inference.benchmark.bench", results)


@pytest.mark.usefixtures("measured")
class TestBench:
    def test_a_row_for_each_candidate_goes_to_stdout(self, cli: Cli, tiny_model: Path):
        outcome = cli("bench", "--model", tiny_model)

        rows = [line.split(maxsplit=5) for line in outcome.stdout.splitlines()]
        assert outcome.status == 0
        assert rows[1] == ["openvino", "f32", "10.0", "100.0", "0.50", "0.0000 "]
        assert [*rows[2][:5], rows[2][5].strip()] == ["onnxruntime", "f32", "20.0", "50.0", "0.25", "0.0100"]
        assert "this processor does not have it" in outcome.stdout

    def test_nothing_is_remembered_unless_asked_for(self, cli: Cli, tiny_model: Path, home: Path):
        cli("bench", "--model", tiny_model)

        assert not (home / "bench.json").exists()

    def test_the_fastest_is_used_from_then_on(
        self, cli: Cli, tiny_model: Path, home: Path, make_photo: Callable[..., Path]
    ):
        outcome = cli("bench", "--model", tiny_model, "--remember")

        assert "onnxruntime in f32 is used from now on" in outcome.stderr
        (kept,) = json.loads((home / "bench.json").read_text()).values()
        assert kept == {"cpu": this_machine().cpu, "runtime": "onnxruntime", "precision": "f32"}
        line = json.loads(cli("tag", make_photo(), "--model", tiny_model, "--format", "jsonl").stdout)
        assert line["runtime"] == "onnxruntime"
        assert "tiny        onnxruntime, f32: the fastest by vectortag bench" in machine(cli, tiny_model)

    def test_a_folder_without_photos_is_an_error(self, cli: Cli, tmp_path: Path, tiny_model: Path):
        (tmp_path / "empty").mkdir()

        outcome = cli("bench", tmp_path / "empty", "--model", tiny_model)

        assert outcome.status == 1
        assert "no photos in " in outcome.stderr


def machine(cli: Cli, model: Path) -> str:
    assert read_model_folder(model).manifest.name == "tiny"
    return cli("inspect", model, "--machine").stdout

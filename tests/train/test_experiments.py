"""The published configurations: what they start from can be made, or done without."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vectortag.model.folder import find_model_folder

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
PUBLISHED = [file for file in EXPERIMENTS if not file.name[0].isdigit()]


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.name)
def test_an_experiment_that_starts_from_a_run_says_how_to_make_it_and_how_to_do_without(file: Path):
    inits = tomllib.loads(file.read_text())["backbone"]["init"]
    runs = [
        Path(init).parent.stem for init in ([inits] if isinstance(inits, str) else inits) if init.startswith("runs/")
    ]
    comment = [line for line in file.read_text().splitlines() if line.startswith("#")]

    for run in runs:
        assert run in {other.stem for other in EXPERIMENTS}
        assert f"#   vectortag train experiments/{run}.toml --output runs" in comment
        assert f"#   vectortag train experiments/{file.name} --set backbone.init={file.stem}" in comment
        assert find_model_folder(file.stem).manifest.backbone.architecture in file.read_text()

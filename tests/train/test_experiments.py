"""The published configurations: each can be read, and those of shipped models can start from the network that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.model.registry import find_model_folder, shipped_models
from vectortag.train.config_file import load_config

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
SHIPPED = {folder.name for folder in shipped_models()}
OF_SHIPPED_MODELS = [file for file in EXPERIMENTS if file.stem in SHIPPED]


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATA", "MORE", "TUNED", "WEIGHTS"):
        monkeypatch.setenv(f"VECTORTAG_{name}", str(tmp_path))


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.name)
def test_an_experiment_can_be_read(file: Path):
    assert load_config(file).name


def test_each_shipped_model_has_its_experiment():
    assert {file.stem for file in OF_SHIPPED_MODELS} == SHIPPED


@pytest.mark.parametrize("file", OF_SHIPPED_MODELS, ids=lambda file: file.name)
def test_a_shipped_model_can_be_made_without_the_weights_it_was_made_from(file: Path):
    way = f"backbone.init={file.stem}"

    config = load_config(file, settings=[way])

    assert f"#   vectortag train experiments/{file.name} --set {way}" in file.read_text().splitlines()
    assert config.backbone.architecture == find_model_folder(file.stem).manifest.backbone.architecture

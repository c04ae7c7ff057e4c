"""The weights of a finished model, read by timm itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError, OverwriteError
from vectortag.inference.tagger import Tagger
from vectortag.runtime.embedder import embeddings_of

EXAMPLE = Path(__file__).parents[2] / "examples/photos/dogs.jpg"
PARITY = 1e-4
"""Relative to the largest feature."""


@pytest.fixture
def export_weights(torch: Any, need_module: Any) -> Any:
    return need_module("vectortag.train.export_weights").export_weights


@pytest.mark.parametrize("name", ["lite0", "lite2", "resnet18"])
def test_timm_computes_the_features_of_a_shipped_model(name: str, export_weights, torch, need_module, tmp_path: Path):
    timm, safetensors = need_module("timm"), need_module("safetensors.torch")
    tagger, file = Tagger.load(name, precision="exact"), tmp_path / "backbone.safetensors"

    _, said = export_weights(name, file)

    network = timm.create_model(said["architecture"], **json.loads(said["options"]))
    network.load_state_dict(safetensors.load_file(file))  # every name, and no other
    pixels = tagger.embedder.pixels(EXAMPLE)[None]
    mean, std = (np.float32(json.loads(said[key])) for key in ("mean", "std"))
    inputs = ((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        actual = network.eval()(torch.from_numpy(np.ascontiguousarray(inputs))).numpy()
    expected = embeddings_of(tagger.embedder.session.run(pixels))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=PARITY * np.abs(expected).max())
    assert (said["model"], said["size"]) == (tagger.folder.id, str(tagger.embedder.size))


def test_the_file_says_what_it_is(export_weights, need_module, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"

    _, said = export_weights("lite0", file)

    with need_module("safetensors").safe_open(file, framework="numpy") as opened:
        assert opened.metadata() == said


def test_a_file_of_somebody_elses_is_kept_and_its_own_replaced(export_weights, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    file.write_bytes(b"mine")

    with pytest.raises(OverwriteError, match="is not weights that VectorTag wrote"):
        export_weights("lite0", file)

    assert file.read_bytes() == b"mine"
    export_weights("lite0", file, overwrite=True)
    export_weights("lite0", file)


def test_a_network_that_timm_does_not_know_is_refused(export_weights, tiny_model: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match='timm has no model "two convolutions"'):
        export_weights(tiny_model, tmp_path / "backbone.safetensors")
    assert list(tmp_path.iterdir()) == []

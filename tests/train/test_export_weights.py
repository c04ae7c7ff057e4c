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
from vectortag.train.config import BackboneConfig

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


def test_a_network_with_other_names_than_timms_is_refused(export_weights, write_tiny_model, tmp_path: Path):
    backbone = {"architecture": "test_vit", "width": 8, "stride": 4}  # as of a transformer, whose names get lost
    folder = write_tiny_model(tmp_path / "model", backbone=backbone)

    message = r"tiny@\w+: its weights cannot be exported: .* arrays of test_vit cannot be read back from the network"
    with pytest.raises(ConfigError, match=message):
        export_weights(folder, tmp_path / "backbone.safetensors")


def test_a_network_of_which_timm_has_more_is_refused(
    export_weights, need_module, write_tiny_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    timm, network = need_module("timm"), need_module("vectortag.train.network")
    weights = timm.create_model("mobilenetv4_conv_small").state_dict()
    need_module("safetensors.torch").save_file(weights, tmp_path / "random.safetensors")
    config = BackboneConfig(
        architecture="mobilenetv4_conv_small", init=str(tmp_path / "random.safetensors"), image_size=64
    )
    backbone = network.create_backbone(config)
    monkeypatch.setattr("vectortag.train.export_weights.create_backbone", lambda _: backbone)
    of_model = {"architecture": config.architecture, "width": 8, "stride": 4}
    folder = write_tiny_model(tmp_path / "model", backbone=of_model)

    with pytest.raises(ConfigError, match=r"arrays after the feature map that the model does not have, as conv_head\."):
        export_weights(folder, tmp_path / "backbone.safetensors")

    assert not (tmp_path / "backbone.safetensors").exists()


def test_a_network_that_timm_does_not_know_is_refused(export_weights, tiny_model: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match='timm has no model "two convolutions"'):
        export_weights(tiny_model, tmp_path / "backbone.safetensors")
    assert list(tmp_path.iterdir()) == []

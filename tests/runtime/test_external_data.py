"""Constants in files beside a network: only in its own folder, and only within those files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_encoder import write_encoder

from vectortag.core.errors import ModelFolderError
from vectortag.runtime.network_limits import ENCODER, MODEL
from vectortag.runtime.onnx_check import check_network


@pytest.fixture
def onnx(need_module: Callable[[str], Any]) -> Any:
    need_module("tokenizers")
    return need_module("onnx")


@pytest.fixture
def network(onnx: Any, tmp_path: Path) -> Path:
    """A network whose constants, 36 bytes, are in weights.bin."""
    return write_encoder(tmp_path / "encoder", external=True) / "visual" / "model.onnx"


def change(onnx: Any, network: Path, **entries: str) -> None:
    """Let the network's constants be elsewhere."""
    model = onnx.load(str(network), load_external_data=False)
    (tensor,) = model.graph.initializer
    known = {entry.key: entry.value for entry in tensor.external_data} | entries
    tensor.ClearField("external_data")
    for key, value in known.items():
        tensor.external_data.add(key=key, value=value)
    network.write_bytes(model.SerializeToString())


def refused(network: Path) -> str:
    with pytest.raises(ModelFolderError) as caught:
        check_network(network, ENCODER)
    return str(caught.value)


def test_a_file_of_the_same_folder_is_read_and_named(network: Path):
    assert check_network(network, ENCODER) == (network.parent / "weights.bin",)


def test_a_model_folder_has_no_such_files(network: Path):
    with pytest.raises(ModelFolderError, match="is in another file"):
        check_network(network, MODEL)


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "..", ".", "", "a/weights.bin", r"..\secret", "C:weights.bin", "model.onnx", "\x1b"],
)
def test_a_file_elsewhere_is_refused(onnx: Any, network: Path, name: str):
    change(onnx, network, location=name)

    assert "no other file of the network's folder" in refused(network)


def test_a_pipe_is_refused_at_once(network: Path, tmp_path: Path):
    import os

    (network.parent / "weights.bin").unlink()
    os.mkfifo(network.parent / "weights.bin")

    assert "named pipe" in refused(network)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"offset": "4"}, "beyond the end"),
        ({"length": "40"}, "beyond the end"),
        ({"length": "32"}, "declares 9 values and has 8"),
        ({"offset": "-4"}, "is at '-4'"),
        ({"offset": "9" * 30}, "is at '9999"),
        ({"basepath": "/etc"}, "has the entry 'basepath'"),
    ],
)
def test_a_part_that_is_not_in_the_file_is_refused(onnx: Any, network: Path, entries: dict[str, str], reason: str):
    change(onnx, network, **entries)

    assert reason in refused(network)


def test_a_file_that_is_not_there_is_said(network: Path):
    (network.parent / "weights.bin").unlink()

    assert "No such file" in refused(network)


def test_what_is_too_large_is_refused(network: Path):
    size = len(network.read_bytes())
    with (network.parent / "weights.bin").open("ab") as file:
        file.write(bytes(size))

    with pytest.raises(ModelFolderError, match="are in 1 files"):
        check_network(network, replace(ENCODER, most_bytes=size))


@pytest.mark.parametrize(("value", "is_fine"), [(-np.inf, True), (np.inf, False), (np.nan, False)])
def test_of_all_that_is_not_finite_only_minus_infinity_is_read(network: Path, value: float, is_fine: bool):
    (network.parent / "weights.bin").write_bytes(np.full(9, value, "<f4").tobytes())

    if is_fine:
        check_network(network, ENCODER)
    else:
        assert "not finite" in refused(network)

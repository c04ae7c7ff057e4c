"""vectortag export"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def test_the_file_is_named_and_described(cli: Cli, tiny_model: Path, tmp_path: Path, need_module):
    need_module("onnx")
    onnxruntime = need_module("onnxruntime")
    output = tmp_path / "tiny.onnx"

    outcome = cli("export", tiny_model, "--output", output, "--map", "sea", "--map", "puppy")

    assert (outcome.status, outcome.stdout) == (0, f"{output}\n")
    assert "6 tags, 2 heat maps, 32 x 32 pixels, ONNX opset 17; scores within " in outcome.stderr
    metadata = onnxruntime.InferenceSession(str(output)).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["maps"]) == ["sea", "dog"]


def test_all_maps_at_another_size(cli: Cli, two_sizes: Any, tmp_path: Path, need_module):
    need_module("onnx")
    need_module("onnxruntime")

    outcome = cli("export", two_sizes.path, "-o", tmp_path / "large.onnx", "--maps", "--size", 64)

    assert "6 tags, 6 heat maps, 64 x 64 pixels" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to export. Name an ONNX file"),
        (["--weights", "out.safetensors", "--maps"], "--maps and --map need an ONNX file"),
        (["--weights", "out.onnx", "-o", "out.onnx"], "two outputs have the same name"),
    ],
)
def test_options_that_do_not_go_together(cli: Cli, tiny_model: Path, arguments: list[str], message: str):
    outcome = cli("export", tiny_model, *arguments)

    assert outcome.status == 2
    assert message in outcome.stderr


def test_weights_without_torch_say_how_to_install_it(
    cli: Cli, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = builtins.__import__

    def without_timm(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] in {"timm", "torch"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    monkeypatch.delitem(__import__("sys").modules, "vectortag.train.export_weights", raising=False)
    monkeypatch.delitem(__import__("sys").modules, "vectortag.train.network", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_timm)

    outcome = cli("export", tiny_model, "--weights", tmp_path / "out.safetensors")

    assert outcome.status == 2
    assert "pip install 'vectortag[train]'" in outcome.stderr

"""vectortag quantise"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.model.folder import read_model_folder

Cli = Callable[..., Any]


def test_a_row_for_each_data_set_says_what_is_lost(
    cli: Cli,
    tiny_model: Path,
    make_data_set: Callable[..., Path],
    tmp_path: Path,
    need_module: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
):
    need_module("onnx")
    need_module("onnxruntime")
    monkeypatch.setattr("vectortag.assembly.quantise.MOST_LOST", 100)
    tags = {f"{n}.jpg": ("dog", "beach", "vehicle")[n % 3] for n in range(12)}
    data = make_data_set(tags, splits={name: "val" if n % 2 else "train" for n, name in enumerate(tags)})

    outcome = cli("quantise", tiny_model, data, "--output", tmp_path / "faster")

    heading, row = outcome.stdout.splitlines()
    assert heading.split() == ["data", "pixels", "mAP", "bf16", "loses", "int8", "loses"]
    assert row.split()[:2] == ["photos", "32"]
    lost = read_model_folder(tmp_path / "faster").manifest.lost
    assert row.split()[3:] == [f"{lost['bf16']:+.2f}", f"{lost['int8']:+.2f}"]
    assert "faster: allowed precisions: f32" in outcome.stderr

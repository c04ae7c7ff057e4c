"""The models that the examples are shown with."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from vectortag.assembly.onnx_export import export_onnx


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`lite0` as an ONNX file with all heat maps."""
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"not installed: {', '.join(missing)}")
    return export_onnx("lite0", tmp_path_factory.mktemp("exported") / "lite0.onnx", maps=True).path

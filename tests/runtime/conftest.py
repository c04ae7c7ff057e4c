"""What the tests of the runtimes share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def network(tiny_model: Path) -> Path:
    """The tiny model's ONNX file."""
    return tiny_model / "model.onnx"

"""What tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def torch(need_module: Callable[[str], ModuleType]) -> Any:
    for name in ("torchvision", "timm"):
        need_module(name)
    return need_module("torch")

"""timm's own weights, with and without a connection."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import ConfigError


@pytest.fixture
def pretrained(torch: Any, need_module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with an empty cache."""
    need_module("timm")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    module = need_module("vectortag.train.pretrained")
    monkeypatch.setattr(module.constants, "HF_HUB_CACHE", str(tmp_path))
    return module


@pytest.fixture
def offline(pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The patience of each attempt to connect; all of them fail."""
    attempts: list[float] = []

    def fail(_request: Any, *, timeout: float) -> Any:
        attempts.append(timeout)
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", fail)
    return attempts


def test_without_a_connection_it_is_one_line_after_one_attempt(pretrained, offline):
    with pytest.raises(ConfigError) as caught:
        pretrained.create_pretrained("resnet18")

    assert offline == [pretrained.PATIENCE]
    message = str(caught.value)
    assert "are not in the cache and cannot be downloaded (https://huggingface.co cannot be" in message
    assert message.endswith('Set init to "resnet18", a model that is here')
    assert "\n" not in message


def test_who_asked_for_no_connection_gets_none(pretrained, offline, monkeypatch):
    monkeypatch.setattr(pretrained.constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(ConfigError, match=r"\(HF_HUB_OFFLINE is set\)\. Set init to the path of a safetensors file"):
        pretrained.create_pretrained("test_resnet")
    assert offline == []
    assert pretrained.constants.HF_HUB_OFFLINE is True


def test_what_is_in_the_cache_needs_no_connection(pretrained, offline, monkeypatch):
    seen: list[bool] = []

    def create(architecture: str, **_: Any) -> str:
        seen.append(pretrained.constants.HF_HUB_OFFLINE)
        return architecture

    monkeypatch.setattr(pretrained.timm, "create_model", create)

    assert pretrained.create_pretrained("resnet18") == "resnet18"
    assert (seen, offline) == ([True], [])


def test_a_network_that_timm_has_no_weights_of_is_one_line(pretrained, offline):
    with pytest.raises(ConfigError, match=r"^backbone\.init: timm has no pretrained weights of convnext_atto_rms$"):
        pretrained.create_pretrained("convnext_atto_rms")
    assert offline == []

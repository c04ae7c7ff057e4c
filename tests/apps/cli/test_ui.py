"""vectortag ui"""

from __future__ import annotations

import importlib.util

import pytest

from vectortag.apps.cli import ui
from vectortag.apps.ui.settings import Settings


@pytest.fixture
def started(monkeypatch, need_module) -> list[list[str]]:
    """What Streamlit's command line was called with."""
    calls: list[list[str]] = []
    module = need_module("streamlit.web.cli")
    monkeypatch.setattr(module, "main", lambda arguments, standalone_mode: calls.append(arguments))
    return calls


def test_it_listens_on_this_machine_alone(cli, started):
    done = cli("ui")

    assert done.status == 0, done.stderr
    assert done.stderr == ""
    (arguments,) = started
    assert arguments[:2] == ["run", str(ui.PAGE)]
    assert arguments[arguments.index("--server.address") + 1] == "127.0.0.1"
    assert arguments[arguments.index("--browser.gatherUsageStats") + 1] == "false"


def test_models_and_data_are_handed_on(cli, started, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()

    cli("ui", "--models", runs, "--data", tmp_path, "--port", 9000)

    (arguments,) = started
    assert arguments[arguments.index("--server.port") + 1] == "9000"
    assert arguments[arguments.index("--") + 1 :] == Settings((runs,), (tmp_path,)).to_arguments()


def test_another_address_is_warned_of(cli, started):
    assert "anyone who reaches 0.0.0.0:8501 can use the page" in cli("ui", "--host", "0.0.0.0").stderr


def test_a_folder_that_is_not_there_is_told_before_anything_starts(cli, started, tmp_path):
    done = cli("ui", "--models", tmp_path / "nowhere")

    assert done.status == 1
    assert "nowhere: no such file or folder" in done.stderr
    assert started == []


def test_without_streamlit_it_says_how_to_install_it(cli, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    done = cli("ui")

    assert done.status == 2
    assert "pip install 'vectortag[ui]'" in done.stderr

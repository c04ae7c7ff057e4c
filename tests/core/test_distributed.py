"""Processes that train together know their number from torchrun, and wait for the first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vectortag.core import distributed


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)

    assert (distributed.rank(), distributed.count(), distributed.count_here()) == (0, 1, 1)


def test_torchrun_says_which_of_how_many_it_is(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)

    assert (distributed.rank(), distributed.count(), distributed.count_here()) == (5, 8, 4)


def test_waiting_ends_when_the_file_is_there(tmp_path: Path):
    waiting = threading.Thread(target=distributed.wait_for, args=(tmp_path / "done",), daemon=True)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()

    (tmp_path / "done").touch()

    waiting.join(30)
    assert not waiting.is_alive()

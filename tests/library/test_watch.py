"""Waiting for changes in the folders of a library."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vectortag.core.errors import MissingExtraError
from vectortag.library import watch
from vectortag.library.folders import Root
from vectortag.library.watch import changes


@pytest.fixture(autouse=True)
def _quick(need_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    need_module("watchfiles")
    monkeypatch.setattr(watch, "SETTLED", 100)


def test_a_new_photo_is_a_change(tmp_path: Path):
    done = threading.Event()

    def write_until_seen() -> None:
        number = 0
        while not done.wait(0.1):
            (tmp_path / f"{number}.jpg").touch()
            number += 1

    writer = threading.Thread(target=write_until_seen)
    writer.start()
    try:
        assert next(changes(lambda: [Root(1, tmp_path)], stop=lambda: False)) is None
    finally:
        done.set()
        writer.join()


def test_a_folder_that_is_offline_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watch, "SECONDS_OFFLINE", 0.1)
    (tmp_path / "drive").mkdir()
    states = iter(["it is missing"] * 3)

    def roots() -> list[Root]:
        return [Root(1, tmp_path / "drive", why=next(states, None))]

    assert next(changes(roots, stop=lambda: False)) is None


def test_it_ends_when_it_is_asked_to(tmp_path: Path):
    assert list(changes(lambda: [Root(1, tmp_path)], stop=lambda: True)) == []


def test_without_its_extra_it_gives_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'vectortag\[watch\]'"):
        next(changes(lambda: [Root(1, tmp_path)], stop=lambda: False))

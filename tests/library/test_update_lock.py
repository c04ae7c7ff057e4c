"""The lock of an update, within one process; between processes it is tested in test_kill.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vectortag.core.errors import LibraryError
from vectortag.library.update_lock import update_lock


def test_it_names_its_process_and_ends_with_the_block(tmp_path: Path):
    for _ in range(2):
        with update_lock(tmp_path / "library.sqlite") as held:
            assert held
            assert (tmp_path / "library.sqlite.lock").read_text() == str(os.getpid())


def test_waiting_for_it_can_be_stopped(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with update_lock(tmp_path / "a"), update_lock(tmp_path / "a", stop=lambda: True) as second:
        assert not second


def test_waiting_for_it_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    answers = iter([False, False, True])

    with update_lock(tmp_path / "a"), update_lock(tmp_path / "a", stop=lambda: next(answers)):
        pass

    assert caplog.text.count(f"process {os.getpid()} is updating this library; waiting for it") == 1


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path):
    with pytest.raises(LibraryError, match=r"a\.lock: cannot be written"), update_lock(tmp_path / "gone" / "a"):
        pass

"""Ordinary files are opened; pipes and folders are refused before they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from vectortag.core.files import open_regular, open_text, read_file, read_text, require_regular

OPENERS = [open_regular, read_file, read_text, open_text, require_regular]


def test_a_file_is_read_as_bytes_and_as_text(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes("café\r\n".encode())

    assert read_file(file) == "café\r\n".encode()
    assert read_text(file) == "café\n"
    with open_text(file, newline="") as text:
        assert text.read() == "café\r\n"


@pytest.mark.parametrize("opener", OPENERS)
def test_a_folder_is_refused(opener, tmp_path: Path):
    with pytest.raises(IsADirectoryError, match="it is a folder, not a file"):
        opener(tmp_path)


@pytest.mark.parametrize("opener", OPENERS)
def test_a_missing_file_is_an_error(opener, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        opener(tmp_path / "gone")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("opener", OPENERS)
def test_a_named_pipe_is_refused_and_does_not_hang(opener, tmp_path: Path):
    os.mkfifo(tmp_path / "photo.jpg")

    with pytest.raises(OSError, match="it is a named pipe, not a regular file"):
        opener(tmp_path / "photo.jpg")

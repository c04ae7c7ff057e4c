"""A file or folder appears whole or not at all; see tests/hostile for full disks and kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vectortag.core.errors import OutputError
from vectortag.core.writing import (
    atomic_output,
    remove_folder,
    replace_file,
    replace_folder,
    temporary_beside,
    written_beside,
)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


class TestAppearing:
    def test_the_old_file_is_there_until_the_new_one_is_complete(self, tmp_path: Path):
        file = tmp_path / "out"
        file.write_bytes(b"old")

        with atomic_output(file) as output:
            output.write(b"new")
            assert file.read_bytes() == b"old"

        assert file.read_bytes() == b"new"
        assert names(tmp_path) == ["out"]

    def test_where_the_end_is_not_reached_nothing_stays_behind(self, tmp_path: Path):
        def stop_half_way() -> None:
            with atomic_output(tmp_path / "out") as output:
                output.write(b"half")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            stop_half_way()

        assert names(tmp_path) == []

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path):
        with pytest.raises(OutputError, match="cannot be written"), atomic_output(tmp_path / "gone" / "out"):
            pass


class TestReplacing:
    def test_a_file_is_replaced_as_a_whole(self, tmp_path: Path):
        replace_file(tmp_path / "file", b"old, and long")
        replace_file(tmp_path / "file", b"new")

        assert (tmp_path / "file").read_bytes() == b"new"
        assert names(tmp_path) == ["file"]

    def test_a_temporary_file_that_nobody_renames_is_removed(self, tmp_path: Path):
        with written_beside(tmp_path / "file", b"content") as temporary:
            assert temporary.parent == tmp_path
            assert temporary.read_bytes() == b"content"

        assert names(tmp_path) == []

    def test_a_temporary_file_is_empty_and_beside_the_other(self, tmp_path: Path):
        temporary = temporary_beside(tmp_path / "file")

        assert (temporary.parent, temporary.read_bytes()) == (tmp_path, b"")

    def test_a_folder_is_replaced_as_a_whole(self, tmp_path: Path):
        replace_folder(tmp_path / "model", {"a": b"1", "b": b"2"})
        replace_folder(tmp_path / "model", {"c": b"3"})

        assert names(tmp_path) == ["model"]
        assert names(tmp_path / "model") == ["c"]
        assert (tmp_path / "model" / "c").read_bytes() == b"3"


def test_what_an_interrupted_removal_left_goes_with_the_next(tmp_path: Path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    code = """
import os, shutil, sys
import subprocess
import sys
from pathlib import Path
from vectortag.core.writing import remove_folder
shutil.rmtree = lambda *_, **__: os._exit(0)
remove_folder(Path(sys.argv[1]))
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "first"], check=True)
    assert len(names(tmp_path)) == 2  # "second", and what was the first

    remove_folder(tmp_path / "second")

    assert names(tmp_path) == []

"""Paths of files that are open."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from vectortag.runtime.decoding import opened_files
from vectortag.runtime.decoding.opened_files import descriptor_path, descriptors_in, path_of


def test_a_program_reads_the_open_file_and_never_sees_its_name(tmp_path: Path):
    (tmp_path / "-i http:x.mp4").write_bytes(b"content")
    read = "import sys; print(open(sys.argv[1]).read())"

    with (tmp_path / "-i http:x.mp4").open("rb") as file, path_of(file) as path:
        told = subprocess.run(
            [sys.executable, "-c", read, path],
            pass_fds=descriptors_in(path),
            capture_output=True,
            text=True,
            check=True,
        )

    assert "http" not in path
    assert told.stdout == "content\n"


@pytest.mark.parametrize("descriptors", [True, False])
def test_a_file_in_memory_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, descriptors: bool):
    if not descriptors:
        monkeypatch.setattr(opened_files, "DESCRIPTORS", tmp_path / "none")
    file = io.BytesIO(b"content")
    file.read(3)

    with path_of(file) as path:
        assert Path(path).read_bytes() == b"content"

    assert descriptor_path(file) is None
    assert not Path(path).exists()


def test_a_path_without_a_descriptor_gives_nothing_to_a_program():
    assert descriptors_in("/tmp/photo") == ()
    assert descriptors_in("/dev/fd/7") == (7,)

"""A folder of files that appear whole or not at all, on a disk and as objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import OutputError
from vectortag.data.output_folder import OutputFolder


@pytest.fixture(params=["path", "url"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> OutputFolder:
    """On the disk, and in a bucket."""
    if request.param == "path":
        return OutputFolder(tmp_path / "job")
    put, _ = request.getfixturevalue("bucket")
    return OutputFolder(put("elsewhere/file", b"").removesuffix("elsewhere/file") + "job")


def test_a_folder_that_is_not_there_has_no_files(folder):
    assert (folder.names(), folder.sizes(), folder.read("a")) == (set(), {}, None)
    folder.remove("a")


def test_what_is_written_is_read_replaced_and_removed(folder):
    folder.write("a", b"old")
    folder.write("a", b"content")
    folder.write("b", b"")

    assert (folder.read("a"), folder.sizes()) == (b"content", {"a": 7, "b": 0})
    folder.remove("a")
    assert (folder.read("a"), folder.names()) == (None, {"b"})


def test_a_file_appears_at_the_end_of_the_block(folder):
    folder.write("b", b"")
    with folder.writing("a") as file:
        file.write(b"con")
        assert folder.read("a") is None
        file.write(b"tent")

    assert folder.read("a") == b"content"


def test_nothing_appears_where_the_block_fails(folder):
    folder.write("a", b"old")

    def write_half() -> None:
        with folder.writing("a") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert (folder.names(), folder.read("a")) == ({"a"}, b"old")


def test_an_error_names_the_file(tmp_path):
    (tmp_path / "job").write_bytes(b"a file in the way")

    with pytest.raises(OutputError, match=r"job/a: cannot be written: "):
        OutputFolder(tmp_path / "job").write("a", b"x")

"""Sidecars on disk: read once, replaced as a whole, and not where another program was faster."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from vectortag.core.errors import OutputError
from vectortag.data.xmp import LARGEST_PACKET
from vectortag.library.sidecar_files import SidecarFile


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    file = tmp_path / "Möwe.jpg.xmp"
    file.write_bytes(b"<a>\n <b/>\n</a>\n")
    return file


def test_a_sidecar_is_read_and_replaced_with_its_permissions(sidecar: Path):
    sidecar.chmod(0o640)
    read = SidecarFile.read(sidecar)
    assert read.content == b"<a>\n <b/>\n</a>\n"

    read.replace(b"<new/>")

    assert sidecar.read_bytes() == b"<new/>"
    assert sys.platform == "win32" or stat.S_IMODE(sidecar.stat().st_mode) == 0o640
    assert [file.name for file in sidecar.parent.iterdir()] == [sidecar.name]


def test_one_that_is_not_there_is_made_and_an_empty_one_is_removed(tmp_path: Path):
    path = tmp_path / "a.xmp"
    read = SidecarFile.read(path)
    assert read.content is None

    read.replace(b"<a/>")
    assert path.read_bytes() == b"<a/>"
    SidecarFile.read(path).replace(b"")

    assert not path.exists()


@pytest.mark.parametrize("was_there", [True, False])
def test_what_another_program_wrote_meanwhile_stays(sidecar: Path, was_there: bool):
    if not was_there:
        sidecar.unlink()
    read = SidecarFile.read(sidecar)
    sidecar.write_bytes(b"<theirs/>")

    with pytest.raises(OutputError, match="another program has changed it at this moment"):
        read.replace(b"<ours/>")

    assert sidecar.read_bytes() == b"<theirs/>"


def test_what_another_program_removed_meanwhile_does_not_come_back(sidecar: Path):
    read = SidecarFile.read(sidecar)
    sidecar.unlink()

    with pytest.raises(OutputError, match="another program has changed it"):
        read.replace(b"<ours/>")
    assert not sidecar.exists()


def test_through_a_link_the_file_itself_is_replaced_and_the_link_alone_is_removed(sidecar: Path, tmp_path: Path):
    link = tmp_path / "link.xmp"
    link.symlink_to(sidecar)

    SidecarFile.read(link).replace(b"<new/>")
    assert link.is_symlink()
    assert sidecar.read_bytes() == b"<new/>"

    SidecarFile.read(link).replace(b"")
    assert not os.path.lexists(link)
    assert sidecar.read_bytes() == b"<new/>"


@pytest.mark.parametrize("target", ["gone.xmp", "notes.txt"])
def test_a_link_to_anything_else_is_refused(tmp_path: Path, target: str):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "a.xmp").symlink_to(tmp_path / target)

    with pytest.raises(OutputError, match="which is no sidecar"):
        SidecarFile.read(tmp_path / "a.xmp")


def test_a_sidecar_that_is_too_large_is_not_read(sidecar: Path):
    with sidecar.open("r+b") as file:
        file.truncate(LARGEST_PACKET + 1)

    with pytest.raises(OutputError, match="it has 32 MiB; the limit is 32"):
        SidecarFile.read(sidecar)


def test_the_change_is_shown_line_by_line(sidecar: Path):
    diff = SidecarFile.read(sidecar).diff(b"<a>\n <c/>\n</a>\n")

    assert [line for line in diff.splitlines() if line[0] in "+-"] == [
        f"--- {sidecar}",
        f"+++ {sidecar}",
        "- <b/>",
        "+ <c/>",
    ]


@pytest.mark.parametrize(
    ("content", "names"), [(b"", ["--- {}", "+++ /dev/null"]), (b"<a/>", ["--- /dev/null", "+++ {}"])]
)
def test_a_file_that_is_made_or_removed_has_no_other_side(sidecar: Path, content: bytes, names: list[str]):
    if content:
        sidecar.unlink()

    diff = SidecarFile.read(sidecar).diff(content)

    assert diff.splitlines()[:2] == [name.format(sidecar) for name in names]


def test_utf_16_is_shown_as_text(sidecar: Path):
    sidecar.write_bytes("<a>Möwe</a>".encode("utf-16"))

    assert "-<a>Möwe</a>" in SidecarFile.read(sidecar).diff(b"").replace("\ufeff", "")

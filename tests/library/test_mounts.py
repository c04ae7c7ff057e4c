"""Which file system a path is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.library import mounts
from vectortag.library.mounts import Mount, mount_of

TABLE = r"""
/dev/sda1 / ext4 rw 0 0
/dev/sdb1 /media/My\040Drive exfat rw 0 0
server:/a /media/nas autofs rw 0 0
server:/a /media/nas nfs rw 0 0
//box/share /mnt/box cifs rw 0 0
"""


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mounts").write_text(TABLE)
    monkeypatch.setattr(mounts, "TABLE", tmp_path / "mounts")


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/home/anna", Mount("/", "ext4")),
        ("/media/My Drive/2024", Mount("/media/My Drive", "exfat")),
        ("/media/My Drive 2", Mount("/", "ext4")),
        ("/media/nas", Mount("/media/nas", "nfs")),
    ],
)
def test_the_mount_of_a_path_is_the_nearest_above(path: str, mount: Mount):
    assert mount_of(Path(path)) == mount


def test_shares_of_other_machines_are_known():
    assert [mount_of(Path(path)).is_network for path in ("/media/nas/x", "/mnt/box", "/media/My Drive")] == [
        True,
        True,
        False,
    ]


def test_without_a_table_the_devices_tell_the_mount_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mounts, "TABLE", tmp_path / "missing")

    found = mount_of(tmp_path / "a" / "b")

    assert found.kind == ""
    assert tmp_path.is_relative_to(found.point)

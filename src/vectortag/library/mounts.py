"""Which file system a path is on: the mount point that it is below, and whether that is a network's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/self/mounts")
"""Of Linux; elsewhere there is none."""

NETWORK = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb2",
        "smb3", "smbfs", "vboxsf", "virtiofs",
    }
)  # fmt: skip
"""File systems whose files other machines may write, too."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Attributes: `point` is the folder; `kind` the name of the file system, "" if the system does not tell."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """Whether other machines may write its files."""
        return self.kind in NETWORK


def mount_of(path: Path) -> Mount:
    """The mount that a path is on, links followed; the path need not exist."""
    real = os.path.realpath(path)
    if real.startswith("\\\\"):  # a share of Windows: \\server\share
        return Mount("\\".join(real.split("\\")[:4]), "smb3")
    mounts = [mount for mount in _mounts() if _is_within(real, mount.point)]
    if not mounts:
        return Mount(_point_by_devices(real), "")
    return max(reversed(mounts), key=lambda mount: len(mount.point))  # of two at one point, the later hides the other


def _mounts() -> list[Mount]:
    try:
        lines = TABLE.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    return [Mount(_unescaped(found[1]), found[2]) for found in fields if len(found) > 2]


def _unescaped(text: str) -> str:
    r"""The table writes a space as `\040`."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def _is_within(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _point_by_devices(path: str) -> str:
    """The highest folder above that is on the same device."""
    while not os.path.ismount(path) and os.path.dirname(path) != path:  # noqa: PTH120
        path = os.path.dirname(path)  # noqa: PTH120
    return path

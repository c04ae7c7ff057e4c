"""Reads and replaces sidecars on disk."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path, real_path
from vectortag.core.files import open_regular
from vectortag.core.writing import ORDINARY, cannot_write, replace_file
from vectortag.data.xmp import LARGEST_PACKET


@dataclass(frozen=True, slots=True)
class SidecarFile:
    """A sidecar as it was read.

    Attributes:
        path: beside the photo.
        target: the file itself, where `path` is a symbolic link.
        content: None if there is no such file.
        status: of the file when it was read.
    """

    path: Path
    target: Path
    content: bytes | None
    status: os.stat_result | None

    @classmethod
    def read(cls, path: Path) -> SidecarFile:
        """Read a sidecar, if there is one.

        Raises:
            OSError: it cannot be read, or is no regular file.
            OutputError: it is too large, or a symbolic link to nothing, or to a file that is not called as a sidecar.
        """
        target = path
        if path.is_symlink():
            target = real_path(path)
            if target.suffix.lower() != ".xmp" or not target.is_file():
                raise OutputError(f"it is a symbolic link to {escape_path(target)}, which is no sidecar")
        try:
            with open_regular(target) as file:
                status = os.fstat(file.fileno())
                if status.st_size > LARGEST_PACKET:
                    raise OutputError(f"it has {status.st_size >> 20:,} MiB; the limit is {LARGEST_PACKET >> 20}")
                return cls(path, target, file.read(LARGEST_PACKET), status)
        except FileNotFoundError:
            return cls(path, target, None, None)

    def replace(self, content: bytes) -> None:
        """Replace the file, or make it; `b""` removes it. Permissions, owner and links are kept.

        Raises:
            OutputError: it cannot be written, or another program has changed it since it was read.
        """
        try:
            if _state(self.target) != (self.status and (self.status.st_mtime_ns, self.status.st_size)):
                raise OutputError("another program has changed it at this moment. Run the command again")
            if content:
                replace_file(self.target, content, mode=ORDINARY, like=self.status)
            else:
                self.path.unlink()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def diff(self, content: bytes) -> str:
        """What `replace` would change, as a unified diff."""
        name = escape_path(self.path)
        before, after = (_lines(text) for text in (self.content or b"", content))
        names = ("/dev/null" if self.content is None else name, name if content else "/dev/null")
        return "".join(difflib.unified_diff(before, after, *names))


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_mtime_ns, status.st_size)


def _lines(content: bytes) -> list[str]:
    """The lines of a sidecar for a reader; each ends with a line end."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    return [f"{line}\n" for line in content.decode(encoding, "replace").splitlines()]

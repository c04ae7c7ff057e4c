"""Opens files, but only regular ones: to read a named pipe with the name of a photo would never end."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
READING = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))

MOST_BYTES = 1 << 30
"""Of a file that is read whole."""

MOST_TEXT = 64 << 20
"""Bytes of a text."""

ALREADY_OPEN = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Files that the shell has opened, as in `check <(unzip -p set.zip metadata.csv)`. They may be pipes."""


def open_regular(path: str | Path) -> io.BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: it cannot be read, or is a pipe, a socket, a device or a folder; `strerror` says which.
    """
    handle = os.open(path, READING) if _is_open_already(path) else _open_checked(path)
    try:
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_file(path: str | Path, *, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        OSError: as `open_regular`, or it is larger: a file with holes may be called larger than all memory.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size <= most and len(content := file.read(most + 1)) <= most:
            return content
    raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))


def read_text(path: str | Path) -> str:
    """The content of a regular file in UTF-8; fails as `read_file`, or with UnicodeDecodeError."""
    return io.StringIO(read_file(path, most=MOST_TEXT).decode(), newline=None).read()


def open_text(path: str | Path, *, encoding: str = "utf-8", newline: str | None = None) -> io.TextIOWrapper:
    """Open a regular file as text; fails as `open_regular`."""
    return io.TextIOWrapper(open_regular(path), encoding=encoding, newline=newline)


def changed_ns(status: os.stat_result) -> int:
    """When a file was changed, in nanoseconds, as 64 bits hold it: the years 1678 to 2262. A file may claim others."""
    return min(max(status.st_mtime_ns, -(2**63)), 2**63 - 1)


def require_regular(path: str | Path) -> None:
    """For a file that a library opens by itself: fail as `open_regular` would."""
    _refuse_special(os.stat(path), path)  # noqa: PTH116


def _is_open_already(path: str | Path) -> bool:
    return str(path).startswith(ALREADY_OPEN)


def _open_checked(path: str | Path) -> int:
    """Check before opening, since opening affects a pipe or a device; and after, since the file may have changed."""
    require_regular(path)
    handle = os.open(path, READING)
    try:
        _refuse_special(os.fstat(handle), path)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _refuse_special(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", str(path))
    kind = next((name for is_kind, name in KINDS if is_kind(status.st_mode)), "something else")
    raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))

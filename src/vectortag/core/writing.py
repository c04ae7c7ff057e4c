"""How files appear: whole or not at all.

What is written goes to a temporary file beside its place, which takes the place when it is complete. Temporary files
are called `.vectortag-HOST-PID-RANDOM.tmp`; those that a killed process left are removed by the next process that
writes into the folder.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path
from vectortag.core.files import READING

CREATING = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

PRIVATE, ORDINARY = 0o600, 0o666
"""Permissions of a new file, before the umask. They are a wish: a network share may have none."""

NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""How a file system says that it has no fsync; anything else is a failed write."""
NO_RENAME = NO_SYNC | {errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV}
"""How it says that a file cannot be renamed over another: S3, or a file that is mounted alone. It is copied then."""

TEMPORARY = re.compile(r"\.vectortag-(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]+)-[0-9a-f]{16}\.tmp")
NEW, OLD, PLACE = "new", "old", "place"
"""What lies in a temporary folder: the new folder, the one that it replaces, and the name that they take."""

_cleared: set[str] = set()


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error that says that a file cannot be written, and why."""
    return OutputError(f"{escape_path(path)}: cannot be written: {error.strerror or error}")


@contextlib.contextmanager
def appearing(path: Path, *, mode: int = ORDINARY) -> Iterator[BinaryIO]:
    """Yield a file beside `path` that takes its name at the end; where that is not reached, nothing stays behind.

    Raises:
        OutputError: the file cannot be written. Where the content is complete and only the name is refused, the
            message says where the content lies.
    """
    try:
        handle, temporary = _create(path.parent, mode)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with io.BufferedWriter(_NamedOutput(handle, path)) as file:
            yield file
            file.flush()
            _to_disk(file.fileno(), path)
        _take_name(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace_file(file: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write beside the final place, then rename: a reader sees the old file or the new one.

    Raises:
        OSError: the file cannot be written.
    """
    with written_beside(file, content, mode=mode) as temporary:
        try:
            temporary.replace(file)
        except OSError as error:
            if error.errno not in NO_RENAME:
                raise
            shutil.copyfile(temporary, file)


@contextlib.contextmanager
def written_beside(file: Path, content: bytes, *, mode: int = PRIVATE) -> Iterator[Path]:
    """A whole temporary file in the folder of another, on disk; whoever does not rename it leaves nothing behind."""
    handle, temporary = _create(file.parent, mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            _sync(stream.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder of files beside its final place, then rename it there; an older one is moved away and removed.

    Where that is cut short, the older one takes its place again: at once, or, where the process was killed, by the next
    one that writes beside it.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path.parent)
    staging = path.parent / _temporary_name()
    new, old = staging / NEW, staging / OLD
    try:
        new.mkdir(parents=True)
        replace_file(staging / PLACE, path.name.encode("utf-8", "surrogateescape"))
        for name, content in contents.items():
            replace_file(new / name, content, mode=ORDINARY)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        _finish_replacing(staging, path)


def _finish_replacing(staging: Path, path: Path) -> None:
    """Put an older folder back whose place is empty; then nothing in `staging` is needed any more."""
    if (staging / OLD).exists() and not path.exists():
        (staging / OLD).rename(path)
    shutil.rmtree(staging, ignore_errors=True)


def temporary_beside(file: Path) -> Path:
    """An empty temporary file in the folder of another; the caller renames or removes it."""
    handle, temporary = _create(file.parent, PRIVATE)
    os.close(handle)
    return temporary


class _NamedOutput(io.FileIO):
    """A file whose errors name the file that is meant to appear."""

    def __init__(self, handle: int, path: Path) -> None:
        super().__init__(handle, "wb")
        self._path = path

    def write(self, content: object) -> int:
        try:
            return super().write(content)  # type: ignore[arg-type]
        except OSError as error:
            raise unwritable(self._path, error) from error


def _to_disk(handle: int, path: Path) -> None:
    try:
        _sync(handle)
    except OSError as error:
        raise unwritable(path, error) from error


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def _take_name(temporary: Path, path: Path) -> None:
    """Rename; where that is refused, copy; where that is refused, too, keep the content and say where."""
    try:
        temporary.replace(path)
        return
    except OSError as error:
        refused = error
    try:
        if refused.errno not in NO_RENAME:
            raise refused
        shutil.copyfile(temporary, path)
    except OSError:
        kept = path.with_name(f"vectortag-output-{os.urandom(4).hex()}{path.suffix[:8]}")
        try:
            temporary.rename(kept)
        except OSError:
            raise unwritable(path, refused) from refused
        raise OutputError(f"{unwritable(path, refused)}. What was to be written is kept in {escape_path(kept)}") from (
            refused
        )


def _create(folder: Path, mode: int) -> tuple[int, Path]:
    _remove_stale(folder)
    temporary = folder / _temporary_name()
    handle = os.open(temporary, CREATING, mode)
    _lock(handle)
    return handle, temporary


def _temporary_name() -> str:
    return f".vectortag-{_host()}-{os.getpid()}-{os.urandom(8).hex()}.tmp"


def _host() -> str:
    import platform  # here, since most commands write no file

    return f"{zlib.crc32(platform.node().encode()):08x}"


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes of this machine left in a folder; once a process for each folder."""
    if str(folder) in _cleared:
        return
    _cleared.add(str(folder))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            found = TEMPORARY.fullmatch(entry.name)
            if found and found["host"] == _host() and not _is_running(int(found["pid"])):
                with contextlib.suppress(OSError):
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        staging = Path(entry.path)
        place = os.fsdecode((staging / PLACE).read_bytes()) if (staging / PLACE).exists() else ""
        if not (staging / OLD).exists() or (place and Path(place).name == place):
            _finish_replacing(staging, staging.parent / place)
    elif entry.is_file(follow_symlinks=False) and not _is_locked(entry.path):
        Path(entry.path).unlink()


def _is_running(pid: int) -> bool:
    if pid == os.getpid():
        return True
    if os.name == "nt":  # there `os.kill` ends a process, whatever the signal; an open file cannot be removed anyway
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _lock(handle: int) -> None:
    """Say that the file is in use, to other containers that share the folder and the machine's name."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_locked(path: str) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    handle = os.open(path, READING)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False

"""Writes files atomically: a reader sees the complete file or none.

Content is written to a temporary file in the same folder, which is renamed when it is complete. Temporary files are
called `.vectortag-HOST-PID-RANDOM.tmp`. If a process is killed, the next process that writes into the folder removes
its temporary files.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import stat
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path
from vectortag.core.files import READING

CREATING = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

PRIVATE, ORDINARY = 0o600, 0o666
"""Permissions of a new file, before the umask. Some network shares ignore them."""

NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Error numbers of a file system without fsync; any other is a failed write."""
NO_RENAME = NO_SYNC | {errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV}
"""Error numbers of a file that cannot be renamed over another: S3, or a single mounted file. It is copied then."""

TEMPORARY = re.compile(r"\.vectortag-(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]+)-[0-9a-f]{16}\.tmp")
NEW, OLD, NAME = "new", "old", "place"
"""The content of a temporary folder: the new folder, the old one, and a file with the name of both."""

_cleaned: set[str] = set()


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for a file that cannot be written, with the reason."""
    return OutputError(f"{escape_path(path)}: cannot be written: {error.strerror or error}")


@contextlib.contextmanager
def atomic_output(path: Path, *, mode: int = ORDINARY) -> Iterator[BinaryIO]:
    """Yield a temporary file, and rename it to `path` at the end. If the block fails, the file is removed.

    Raises:
        OutputError: the file cannot be written. If the content is complete and only the renaming fails, the message
            names the file that has the content.
    """
    try:
        handle, temporary = _create(path.parent, mode)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        with io.BufferedWriter(_NamedOutput(handle, path)) as file:
            yield file
            file.flush()
            _to_disk(file.fileno(), path)
        _rename_or_copy(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace_file(file: Path, content: bytes, *, mode: int = PRIVATE, like: os.stat_result | None = None) -> None:
    """Write a temporary file, then rename it: a reader sees the old file or the new one.

    Args:
        like: the status of the old file, whose permissions and owner the new one gets, as far as that is allowed.

    Raises:
        OSError: the file cannot be written.
    """
    with written_beside(file, content, mode=mode) as temporary:
        if like is not None:
            with contextlib.suppress(OSError, AttributeError):  # no such owners on Windows
                os.chown(temporary, like.st_uid, like.st_gid)
            with contextlib.suppress(OSError):
                temporary.chmod(stat.S_IMODE(like.st_mode))
        try:
            temporary.replace(file)
        except OSError as error:
            if error.errno not in NO_RENAME:
                raise
            shutil.copyfile(temporary, file)


@contextlib.contextmanager
def written_beside(file: Path, content: bytes, *, mode: int = PRIVATE) -> Iterator[Path]:
    """Yield a complete temporary file in the same folder, synced to disk. If it is not renamed, it is removed."""
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
    """Write a folder of files under a temporary name, then rename it. An older folder is moved away, then removed.

    On failure the older folder is moved back: at once or, if the process was killed, by the next process that writes
    into the parent folder.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    staging = path.parent / _temporary_name()
    new, old = staging / NEW, staging / OLD
    try:
        new.mkdir(parents=True)
        replace_file(staging / NAME, path.name.encode("utf-8", "surrogateescape"))
        for name, content in contents.items():
            replace_file(new / name, content, mode=ORDINARY)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        _finish_replacing(staging, path)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it. It is renamed first, so that it is gone at once or not at all.

    Raises:
        OSError: it cannot be removed.
    """
    remove_stale(path.parent)
    gone = path.with_name(_temporary_name())
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _finish_replacing(staging: Path, path: Path) -> None:
    """Move the old folder back if the new one is missing, then remove `staging`."""
    if (staging / OLD).exists() and not path.exists():
        (staging / OLD).rename(path)
    shutil.rmtree(staging, ignore_errors=True)


def temporary_beside(file: Path) -> Path:
    """Create an empty temporary file in the same folder; the caller renames or removes it."""
    handle, temporary = _create(file.parent, PRIVATE)
    os.close(handle)
    return temporary


class _NamedOutput(io.FileIO):
    """A file whose errors name the output file, not the temporary one."""

    def __init__(self, handle: int, path: Path) -> None:
        super().__init__(handle, "wb")
        self._path = path

    def write(self, content: object) -> int:
        try:
            return super().write(content)  # type: ignore[arg-type]
        except OSError as error:
            raise cannot_write(self._path, error) from error


def _to_disk(handle: int, path: Path) -> None:
    try:
        _sync(handle)
    except OSError as error:
        raise cannot_write(path, error) from error


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def _rename_or_copy(temporary: Path, path: Path) -> None:
    """Rename. If that fails, copy. If that fails, too, keep the content in a new file and name it in the error."""
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
            raise cannot_write(path, refused) from refused
        raise OutputError(f"{cannot_write(path, refused)}. The content is kept in {escape_path(kept)}") from (refused)


def _create(folder: Path, mode: int) -> tuple[int, Path]:
    remove_stale(folder)
    temporary = folder / _temporary_name()
    handle = os.open(temporary, CREATING, mode)
    _lock(handle)
    return handle, temporary


def _temporary_name() -> str:
    return f".vectortag-{_host()}-{os.getpid()}-{os.urandom(8).hex()}.tmp"


def _host() -> str:
    import platform  # here, since most commands write no file

    return f"{zlib.crc32(platform.node().encode()):08x}"


def remove_stale(folder: Path) -> None:
    """Remove temporary files of killed processes of this machine; each process does it once per folder."""
    whole = os.path.abspath(folder)  # noqa: PTH100 - "." is another folder after a chdir
    if whole in _cleaned:
        return
    _cleaned.add(whole)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            match = TEMPORARY.fullmatch(entry.name)
            if match and match["host"] == _host() and not _is_running(int(match["pid"])):
                with contextlib.suppress(OSError):
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        staging = Path(entry.path)
        name = os.fsdecode((staging / NAME).read_bytes()) if (staging / NAME).exists() else ""
        if not (staging / OLD).exists() or (name and Path(name).name == name):
            _finish_replacing(staging, staging.parent / name)
    elif entry.is_file(follow_symlinks=False) and not _is_locked(entry.path):
        Path(entry.path).unlink()


def _is_running(pid: int) -> bool:
    if pid == os.getpid():
        return True
    if os.name == "nt":  # here `os.kill` ends a process, whatever the signal; an open file cannot be removed anyway
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _lock(handle: int) -> None:
    """Lock the file against other containers that share the folder and the host name."""
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

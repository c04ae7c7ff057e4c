"""Only one process at a time updates a library; a second one waits. The lock ends with its process, even if killed."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path

log = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 0.2


@contextlib.contextmanager
def update_lock(library: Path, *, stop: Callable[[], bool] = bool) -> Iterator[bool]:
    """Hold the lock of a library, a file beside it with the number of the process. Yield False if `stop` ends the wait.

    Raises:
        LibraryError: the file cannot be written.
    """
    file = library.with_name(f"{library.name}.lock")
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise LibraryError(f"{escape_path(file)}: cannot be written: {error.strerror}") from error
    try:
        held = _wait(handle, file, stop)
        if held:
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, str(os.getpid()).encode())
        yield held
    finally:
        os.close(handle)


def _wait(handle: int, file: Path, stop: Callable[[], bool]) -> bool:
    told = False
    while not _lock(handle, file):
        if stop():
            return False
        if not told:
            log.warning("%s: process %s is updating this library; waiting for it", escape_path(file), _holder(handle))
            told = True
        time.sleep(SECONDS_BETWEEN_TRIES)
    return True


def _lock(handle: int, file: Path) -> bool:
    """Try to lock. True also on a file system without locks, after a warning."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 1 << 20, os.SEEK_SET)  # a byte behind the number, which others may read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        log.warning(
            "%s: this file system has no locks, so see to it that only one update runs: %s", escape_path(file), error
        )
    return True


def _holder(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, 20).decode("ascii", "replace") or "?"

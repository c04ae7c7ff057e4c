"""A file that is open here, under a path by which another library or program opens it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

DESCRIPTORS = Path("/dev/fd")
"""Where Linux and macOS show the open files of a process, by number."""


def descriptor_path(file: IO[bytes]) -> str | None:
    """The path of a file's descriptor, by which its name, whatever is in it, is told to nobody.

    None for a file in memory, and where descriptors have no paths (Windows).
    """
    try:
        handle = file.fileno()
    except OSError:  # a file in memory has none
        return None
    return f"{DESCRIPTORS}/{handle}" if DESCRIPTORS.is_dir() else None


@contextlib.contextmanager
def path_of(file: IO[bytes]) -> Iterator[str]:
    """Yield a path by which a program can open a file: that of its descriptor, which the program must be given.

    A file that has no such path is first copied: into memory that has a descriptor, which Linux gives, else into a
    file of the temporary folder.
    """
    file.seek(0)
    if path := descriptor_path(file):
        yield path
    elif hasattr(os, "memfd_create") and DESCRIPTORS.is_dir():
        with os.fdopen(os.memfd_create("photo"), "w+b") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield f"{DESCRIPTORS}/{copy.fileno()}"
    else:
        with tempfile.TemporaryDirectory(prefix="vectortag-") as folder:
            copied = Path(folder, "photo")
            with copied.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            yield str(copied)


def descriptors_in(path: str) -> tuple[int, ...]:
    """What a program must be given to open a path of `path_of`."""
    name = path.removeprefix(f"{DESCRIPTORS}/")
    return (int(name),) if name != path else ()

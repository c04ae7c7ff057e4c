"""The paths of VectorTag's own files and of the user's data and cache, and atomic writes.

Models and added tags are in the data folder; what can be rebuilt is in the cache.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parents[1]
"""The folder of the installed package, with the shipped models, taxonomies and words."""


def data_home() -> Path:
    """The user's data folder: `VECTORTAG_HOME`, else the platform's. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) if home else platformdirs.user_data_path("vectortag", appauthor=False)


def cache_home() -> Path:
    """The user's cache folder; its files may be deleted at any time. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("vectortag", appauthor=False)


def report_folder(name: str) -> Path:
    """The path of the report of a fitted model."""
    return data_home() / "reports" / name


def replace_file(file: Path, content: bytes) -> None:
    """Write a temporary file in the same folder, then rename it: a reader sees the old file or the new one."""
    with written_beside(file, content) as temporary:
        temporary.replace(file)


def replace_folder(path: Path, contents: dict[str, bytes]) -> None:
    """Write a whole folder beside its final path, then rename it there; an older folder is replaced.

    Args:
        contents: by name, the content of each file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        new = staging / "new"
        new.mkdir()
        for name, content in contents.items():
            with (new / name).open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
        old = path.rename(staging / "old") if path.exists() else None
        try:
            new.rename(path)
        except OSError:
            if old is not None:
                old.rename(path)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def written_beside(file: Path, content: bytes) -> Iterator[Path]:
    """A temporary file with this content in the folder of `file`, synced to disk; deleted unless it is renamed."""
    handle, name = tempfile.mkstemp(prefix=".", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_cache_file(file: Path, content: bytes, *, most: int) -> None:
    """Write a file of the cache, and delete the least recently used files of its kind in its folder.

    Where the cache cannot be written, nothing happens: a cache is never worth failing for.

    Args:
        most: how many files of this suffix the folder keeps. Reading a file counts as use where the reader touches it.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content)
        by_use = sorted(file.parent.glob(f"*{file.suffix}"), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in by_use[most:]:
            old.unlink(missing_ok=True)
    except OSError:
        return

"""What the user's cache folder holds, by kind, and clearing it. Nothing of the user's own is in it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.folders import cache_home

KINDS = {
    "embeddings": "embeddings of photos, for find, fit and refresh",
    "directions": "what find learnt of a folder",
    "compiled": "networks, compiled for this processor",
}
"""The folders that most caches have. A training makes others, which are named after what is in them."""

OURS = re.compile(r"[^.].*\.(blob|npy|sqlite(-wal|-shm|-journal)?)")
"""How the names of cache files end. Nothing else is counted or deleted, nor what a process writes at the moment."""


@dataclass(frozen=True, slots=True)
class CacheKind:
    """One kind of cache files.

    Attributes:
        name: its folder.
        about: what it holds; "" where only a training knows.
        files, size: how many files, and their bytes.
    """

    name: str
    about: str
    files: int
    size: int


def cache_kinds() -> list[CacheKind]:
    """Each kind that the cache holds, the largest first."""
    kinds = []
    for folder in _folders():
        sizes = [size for _, size in _files(folder)]
        kinds.append(CacheKind(folder.name, KINDS.get(folder.name, ""), len(sizes), sum(sizes)))
    return sorted((kind for kind in kinds if kind.files), key=lambda kind: (-kind.size, kind.name))


def clear_cache(names: Sequence[str] = ()) -> tuple[list[CacheKind], list[OSError]]:
    """Delete cache files.

    Args:
        names: the kinds to delete; none for all.

    Returns:
        What was deleted, by kind, and an error for each file that could not be: on Windows one that is in use.
    """
    deleted, failed = [], []
    for folder in _folders():
        if names and folder.name not in names:
            continue
        files = size = 0
        for file, length in _files(folder):
            try:
                file.unlink()
            except OSError as error:
                failed.append(error)
            else:
                files, size = files + 1, size + length
        with contextlib.suppress(OSError):  # something of another's is in it
            folder.rmdir()
        if files:
            deleted.append(CacheKind(folder.name, KINDS.get(folder.name, ""), files, size))
    return deleted, failed


def _folders() -> list[Path]:
    """The folders of the cache; links are not followed."""
    try:
        with os.scandir(cache_home()) as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:  # there is no cache yet
        return []


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """The cache files of a kind, with their bytes."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
    except OSError:
        return
    for entry in found:
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            yield Path(entry), entry.stat(follow_symlinks=False).st_size

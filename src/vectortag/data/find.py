"""Find photos under files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path, is_folder, is_missing
from vectortag.runtime.pixels import SUFFIXES

ENDINGS = tuple(SUFFIXES)


def find_images(*paths: str | Path | Iterable[str | Path]) -> Iterator[Path]:
    """Yield the photos among files and folders, folder by folder, by name within each.

    A file that was named is yielded whatever its name. In a folder, the names that end like a photo's are yielded, a
    folder called so too, since whoever made it will want to hear of it; hidden files and folders are left out.
    Symbolic links to folders are not followed.

    A folder that cannot be read, or not to its end, is yielded itself, after what could be read of it. It cannot be
    tagged, so it gets an error in its place, as a broken photo does.

    Raises:
        PhotoError: a path does not exist.
    """
    for path in _flatten(paths):
        if is_folder(path):
            yield from _walk(path)
        elif is_missing(path):
            raise PhotoError(f"{escape_path(path)}: no such file or folder")
        else:
            yield path


def photos_of(paths: Iterable[Path]) -> Iterator[Path]:
    """As `find_images`, but what does not exist is yielded, too: its error will stand in its place."""
    for path in paths:
        if is_folder(path):
            yield from _walk(path)
        else:
            yield path


def _flatten(paths: Iterable[str | Path | Iterable[str | Path]]) -> Iterator[Path]:
    for path in paths:
        if isinstance(path, str | Path):
            yield Path(path)
        else:
            yield from map(Path, path)


def _walk(root: Path) -> Iterator[Path]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        entries, whole = _entries(folder)
        names = sorted(name for name in entries if not _is_hidden(name))
        yield from (folder / name for name in names if name.lower().endswith(ENDINGS))
        if not whole:
            yield folder
        waiting += [folder / name for name in reversed(names) if entries[name]]


def _entries(folder: Path) -> tuple[dict[str, bool], bool]:
    """By name, whether each is a folder; and whether the list is whole: a share may vanish in the middle."""
    entries: dict[str, bool] = {}
    try:
        with os.scandir(folder) as found:
            for entry in found:
                entries[entry.name] = _is_real_folder(entry)
    except OSError:
        return entries, False
    return entries, True


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "@"))  # "@eaDir": thumbnails that Synology's programs keep beside the photos

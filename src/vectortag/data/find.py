"""Find photos under files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from vectortag.core.errors import PhotoError
from vectortag.runtime.pixels import SUFFIXES

ENDINGS = tuple(SUFFIXES)


def find_images(*paths: str | Path | Iterable[str | Path]) -> Iterator[Path]:
    """Yield the photos among files and folders, folder by folder, by name within each.

    A file that was named is yielded whatever its name. In a folder, the names that end like a photo's are yielded, a
    folder called so too, since whoever made it will want to hear of it; hidden files and folders are left out.
    Symbolic links to folders are not followed.

    Raises:
        PhotoError: a path does not exist.
    """
    for path in _flatten(paths):
        if path.is_dir():
            yield from _walk(path)
        elif path.exists():
            yield path
        else:
            raise PhotoError(f"{path}: no such file or folder")


def _flatten(paths: Iterable[str | Path | Iterable[str | Path]]) -> Iterator[Path]:
    for path in paths:
        if isinstance(path, str | Path):
            yield Path(path)
        else:
            yield from map(Path, path)


def _walk(root: Path) -> Iterator[Path]:
    for name_of_folder, subfolders, files in os.walk(root):
        folder = Path(name_of_folder)
        subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
        for name in sorted([*subfolders, *files]):
            if not _is_hidden(name) and name.lower().endswith(ENDINGS):
                yield folder / name


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "@"))  # "@eaDir": thumbnails that Synology's programs keep beside the photos

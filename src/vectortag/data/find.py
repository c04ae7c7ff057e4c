"""Find photos under files and folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path, is_folder, is_missing
from vectortag.data.ignore import IGNORE_FILE, NO_MEDIA, Exclusions, excludes_file, is_rubbish
from vectortag.runtime.decoding.photo_kinds import HEIC_SUFFIXES, OTHER_KINDS, SUFFIXES, reads_heic

ENDINGS = tuple(SUFFIXES)
HEIC_ENDINGS = tuple(HEIC_SUFFIXES)

KINDS = {
    "heic": ("HEIC photo", "HEIC photos", " (pip install 'vectortag[heic]')"),
    "raw": ("RAW photo", "RAW photos", ""),
    "video": ("video", "videos", ""),
    "other picture": ("picture of another format", "pictures of other formats", ""),
    "link": ("link to a folder", "links to folders", ""),
    "nomedia": (f"folder with {NO_MEDIA}", f"folders with {NO_MEDIA}", ""),
    "excluded": ("excluded file or folder", "excluded files and folders", ""),
    "other": ("other file", "other files", ""),
}
"""Other entries of a folder: singular, plural, and how to read them as photos."""


@dataclass(slots=True)
class LeftOut:
    """Counts what is in folders and is not read as a photo, by the keys of `KINDS`."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str) -> None:
        self.counts[kind] += 1

    def in_words(self, *, others: bool) -> str:
        """Such as "2 RAW photos, 1 video"; "" if there is nothing.

        Args:
            others: also count files that are not pictures.
        """
        named = [
            f"{self.counts[kind]} {one if self.counts[kind] == 1 else several}{remedy}"
            for kind, (one, several, remedy) in KINDS.items()
            if self.counts[kind] and (others or kind != "other")
        ]
        return ", ".join(named)


def find_images(*paths: str | Path | Iterable[str | Path], exclude: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the photos among files and folders, folder by folder, by name within each.

    A file in `paths` is yielded whatever its name. In a folder, names with the suffix of a photo are yielded. That
    includes folders with such a name: they get an error, so that the user notices. Left out are hidden files and
    folders, folders that programs make (`@eaDir`), folders with a file `.nomedia`, and what a `.vectortagignore`
    excludes. Symbolic links to folders are not followed.

    If a folder cannot be read completely, it is yielded itself, after its readable photos. It cannot be tagged, so it
    gets an error, as a broken photo does.

    Args:
        paths: files, folders, and lists of them.
        exclude: rules as in a .gitignore, for the content of folders and for the names of files.

    Raises:
        ConfigError: a rule, or a file of rules, cannot be read.
        PhotoError: a path does not exist.
    """
    for path in _flatten(paths):
        if not is_folder(path) and is_missing(path):
            raise PhotoError(f"{escape_path(path)}: no such file or folder")
        yield from photos_of([path], exclude=exclude)


def photos_of(paths: Iterable[Path], *, exclude: Sequence[str] = (), left_out: LeftOut | None = None) -> Iterator[Path]:
    """As `find_images`, but a path that does not exist is yielded, too; the reader reports the error.

    Args:
        paths, exclude: as for `find_images`.
        left_out: counts what is not yielded. With it, HEIC photos are left out if their extra is missing; without it,
            they are yielded and get an error.
    """
    for path in paths:
        if is_folder(path):
            yield from _walk(path, Exclusions.of(exclude, path), left_out)
        elif not excludes_file(exclude, path):
            yield path
        elif left_out is not None:
            left_out.add("excluded")


def _flatten(paths: Iterable[str | Path | Iterable[str | Path]]) -> Iterator[Path]:
    for path in paths:
        if isinstance(path, str | Path):
            yield Path(path)
        else:
            yield from map(Path, path)


def _walk(root: Path, exclusions: Exclusions, left_out: LeftOut | None) -> Iterator[Path]:
    waiting = [(root, exclusions)]
    counting = left_out or LeftOut()
    while waiting:
        folder, rules = waiting.pop()
        entries, whole = _entries(folder)
        if entries.get(NO_MEDIA, True) is False:
            counting.add("nomedia")
            continue
        if entries.get(IGNORE_FILE, True) is False:
            rules = rules.within(folder)
        names = sorted(name for name in entries if not name.startswith(".") and not is_rubbish(name))
        kept = [name for name in names if not _is_excluded(folder / name, rules, counting, folder=entries[name])]
        for name in kept:
            if _is_photo(name, entries[name], folder, counting, skip_heic=left_out is not None):
                yield folder / name
        if not whole:
            yield folder
        waiting += [(folder / name, rules) for name in reversed(kept) if entries[name]]


def _is_excluded(path: Path, rules: Exclusions, left_out: LeftOut, *, folder: bool) -> bool:
    excluded = rules.hold(path, folder=folder)
    if excluded:
        left_out.add("excluded")
    return excluded


def _is_photo(name: str, is_a_folder: bool, folder: Path, left_out: LeftOut, *, skip_heic: bool) -> bool:
    """Whether the name is that of a photo. Other names are counted in `left_out`."""
    lower = name.lower()
    if lower.endswith(ENDINGS):
        if is_a_folder or not skip_heic or not lower.endswith(HEIC_ENDINGS) or reads_heic():
            return True
        left_out.add("heic")
    elif not is_a_folder:
        kind = OTHER_KINDS.get(os.path.splitext(lower)[1])  # noqa: PTH122
        left_out.add(kind or ("link" if is_folder(folder / name) else "other"))
    return False


def _entries(folder: Path) -> tuple[dict[str, bool], bool]:
    """For each name, whether it is a folder; and whether the list is complete: a share may fail in the middle."""
    entries: dict[str, bool] = {}
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                entries[entry.name] = _is_real_folder(entry)
    except OSError:
        return entries, False
    return entries, True


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False

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
    for folder in _folders(root, exclusions, left_out):
        for entry in folder.photos:
            yield folder.path / entry.name
        if not folder.is_whole:
            yield folder.path


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What is directly in a folder.

    Attributes:
        path: the folder.
        photos: its photos by name; a folder that is called like one is among them.
        sidecars: files whose names end in ".xmp", in no order.
        is_whole: False if the folder could not be read to its end: then there may be more.
    """

    path: Path
    photos: list[os.DirEntry[str]]
    sidecars: list[os.DirEntry[str]]
    is_whole: bool


def folders_of(root: Path, *, left_out: LeftOut | None = None) -> Iterator[FolderContent]:
    """The folders that `photos_of` looks into, with their directory entries: `entry.stat()` saves making a path."""
    return _folders(root, Exclusions(), left_out)


def _folders(root: Path, exclusions: Exclusions, left_out: LeftOut | None) -> Iterator[FolderContent]:
    waiting = [(root, exclusions)]
    counting = left_out or LeftOut()
    while waiting:
        folder, rules = waiting.pop()
        entries, whole = _entries(folder)
        folders = {name for name, entry in entries.items() if _is_real_folder(entry)}
        if NO_MEDIA in entries and NO_MEDIA not in folders:
            counting.add("nomedia")
            continue
        if IGNORE_FILE in entries and IGNORE_FILE not in folders:
            rules = rules.within(folder)
        kept = sorted(name for name in entries if not name.startswith(".") and not is_rubbish(name))
        if rules.are_any:
            kept = [name for name in kept if not _is_excluded(folder / name, rules, counting, folder=name in folders)]
        skip_heic = left_out is not None
        photos = [name for name in kept if _is_photo(name, name in folders, folder, counting, skip_heic=skip_heic)]
        sidecars = [entry for name, entry in entries.items() if name.endswith((".xmp", ".XMP"))]
        yield FolderContent(folder, [entries[name] for name in photos], sidecars, whole)
        waiting += [(folder / name, rules) for name in reversed(kept) if name in folders]


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


def _entries(folder: Path) -> tuple[dict[str, os.DirEntry[str]], bool]:
    """What is in a folder, by name; and whether the list is complete: a share may fail in the middle."""
    entries: dict[str, os.DirEntry[str]] = {}
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                entries[entry.name] = entry
    except OSError:
        return entries, False
    return entries, True


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False

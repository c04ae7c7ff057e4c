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
from vectortag.runtime.decoding.optional_kinds import KIND_OF, OPTIONAL, is_readable
from vectortag.runtime.decoding.photo_kinds import OTHER_KINDS, SUFFIXES

KINDS = {
    **{kind: (about.one, about.several) for kind, about in OPTIONAL.items()},
    "live photo": ("video that belongs to a photo", "videos that belong to photos"),
    "other video": ("video of another format", "videos of other formats"),
    "other picture": ("picture of another format", "pictures of other formats"),
    "link": ("link to a folder", "links to folders"),
    "nomedia": (f"folder with {NO_MEDIA}", f"folders with {NO_MEDIA}"),
    "excluded": ("excluded file or folder", "excluded files and folders"),
    "other": ("other file", "other files"),
}
"""Other entries of a folder: singular and plural."""

MOVING_PART = frozenset({".mov", ".mp4"})
STILL_PART = frozenset({".heic", ".heif", ".jpg", ".jpeg"})
"""The parts of a photo that moves a little (Live Photo): two files that differ in how their names end."""


@dataclass(slots=True)
class LeftOut:
    """Counts what is in folders and is not read as a photo, by the keys of `KINDS`."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str) -> None:
        self.counts[kind] += 1

    def in_words(self, *, others: bool) -> str:
        """What nothing helps against, such as "1 link to a folder, 2 excluded files"; "" if there is nothing.

        Args:
            others: also count files that are not pictures.
        """
        return ", ".join(
            self._counted(kind) for kind in KINDS if kind not in OPTIONAL and (others or kind != "other")
            if self.counts[kind]
        )  # fmt: skip

    def remedies(self) -> list[str]:
        """For each kind of photos that something would read, such as:

        "12 HEIC photos were left out: pip install 'vectortag[heic]'"
        """
        return [
            f"{self._counted(kind)} {'was' if self.counts[kind] == 1 else 'were'} left out: {about.remedy}"
            for kind, about in OPTIONAL.items()
            if self.counts[kind]
        ]

    def _counted(self, kind: str) -> str:
        one, several = KINDS[kind]
        return f"{self.counts[kind]} {one if self.counts[kind] == 1 else several}"


def find_images(*paths: str | Path | Iterable[str | Path], exclude: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the photos among files and folders, folder by folder, by name within each.

    A file in `paths` is yielded whatever its name. In a folder, names with the suffix of a photo are yielded. That
    includes folders with such a name: they get an error, so that the user notices. So do HEIC, JPEG XL and RAW photos
    whose extra is missing; videos are yielded only where ffmpeg is installed. Left out are hidden files and folders,
    folders that programs make (`@eaDir`), folders with a file `.nomedia`, what a `.vectortagignore` excludes, and the
    video of a Live Photo, which belongs to the photo of the same name. Symbolic links to folders are not followed.

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
        left_out: counts what is not yielded. With it, photos whose extra is missing are left out; without it, they are
            yielded and get an error.
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
        stills = _stills(kept)
        if rules.are_any:
            kept = [name for name in kept if not _is_excluded(folder / name, rules, counting, folder=name in folders)]
        photos = []
        for name in kept:
            if name in folders:
                if _suffix(name) in SUFFIXES:
                    photos.append(name)
            elif kind := _kind(name, folder, stills, skip=left_out is not None):
                counting.add(kind)
            else:
                photos.append(name)
        sidecars = [entry for name, entry in entries.items() if name.endswith((".xmp", ".XMP"))]
        yield FolderContent(folder, [entries[name] for name in photos], sidecars, whole)
        waiting += [(folder / name, rules) for name in reversed(kept) if name in folders]


def _is_excluded(path: Path, rules: Exclusions, left_out: LeftOut, *, folder: bool) -> bool:
    excluded = rules.hold(path, folder=folder)
    if excluded:
        left_out.add("excluded")
    return excluded


def _stills(names: Iterable[str]) -> frozenset[str]:
    """The names, without their endings, of photos that may have a moving part."""
    return frozenset(_stem(name) for name in names if _suffix(name) in STILL_PART)


def _kind(name: str, folder: Path, stills: frozenset[str], *, skip: bool) -> str | None:
    """What a file is that is not read, as a key of `KINDS`; None for a photo.

    Args:
        name: of the file, in its folder.
        folder: where it is.
        stills: as `_stills` gives them.
        skip: leave out photos whose extra is missing.
    """
    suffix = _suffix(name)
    if suffix in MOVING_PART and _stem(name) in stills:
        return "live photo"
    if (kind := KIND_OF.get(suffix)) and (skip or kind == "video") and not is_readable(kind):
        return kind
    if suffix in SUFFIXES:
        return None
    return OTHER_KINDS.get(suffix) or ("link" if is_folder(folder / name) else "other")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()  # noqa: PTH122


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

"""What every format is read into: photos with words, and the words whose absence the set knows."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file
from vectortag.core.text import LONGEST_NAME, has_control_characters

LARGEST = 2 << 30
"""Bytes of a file that is read as a whole. COCO's largest, with the outlines of a million things, has a quarter."""

PARTS = {
    **dict.fromkeys(("train", "training", "train2014", "train2017"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "val2014", "val2017"), "val"),
    **dict.fromkeys(("test", "testing", "test2014", "test2015", "test2017"), "test"),
}
"""What people call the parts of a data set."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photo and its words.

    Attributes:
        photo: where it should be.
        words: as the set has them, each once.
        where: its row or entry, for errors.
        split: "train", "val" or "test"; None where the set does not say.
    """

    photo: Path
    words: tuple[str, ...]
    where: str
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """All that is read of a source.

    Attributes:
        known: the words whose absence on a photo the set knows; None where it does not say.
        problems: an error for each entry that cannot be used.
    """

    photos: tuple[Labelled, ...]
    known: tuple[str, ...] | None = None
    problems: tuple[str, ...] = field(default=())


def joined(labels: Sequence[Labels]) -> Labels:
    """The parts of a set as one."""
    known = tuple(dict.fromkeys(word for one in labels for word in one.known or ()))
    photos = tuple(photo for one in labels for photo in one.photos)
    return Labels(photos, known or None, tuple(problem for one in labels for problem in one.problems))


def photo_below(folder: Path, name: str, where: str) -> Path:
    """The photo of that name in a folder.

    Raises:
        DataError: the name is none, or leads out of the folder: a file of strangers must not choose what is read.
    """
    path = Path(name)
    if not name or has_control_characters(name) or len(name) > 4096:
        raise DataError(f"{where}: expected the name of a photo, got {name[:60]!r}. Fix the entry")
    if path.is_absolute() and path.is_relative_to(folder.absolute()):
        path = path.relative_to(folder.absolute())
    if path.is_absolute() or ".." in path.parts:
        raise DataError(
            f"{where}: {escape_path(name)[:200]} is not below {escape_path(folder)}. Pass --photos with the folder "
            "that the names of the photos begin in"
        )
    return folder / path


def checked_words(words: Iterable[object], where: str) -> tuple[str, ...]:
    """Words without blanks around them, each once.

    Raises:
        DataError: one of them cannot be a word.
    """
    found: dict[str, None] = {}
    for word in words:
        text = word.strip() if isinstance(word, str) else ""
        if not text or len(text) > LONGEST_NAME or has_control_characters(text):
            got = repr(word)[:60]
            raise DataError(f"{where}: expected a word of 1 to {LONGEST_NAME} characters, got {got}. Fix the entry")
        found[text] = None
    return tuple(found)


def read_whole(file: Path) -> bytes:
    """The content of a text file that is not too large, without the byte order mark that some programs put first.

    Raises:
        DataError: it cannot be read, or is larger than LARGEST.
    """
    name = escape_path(file)
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise DataError(f"{name}: has {size >> 20:,} MiB, more than {LARGEST >> 20:,}. Split it into several files")
        return read_file(file).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error

"""Accepts or rejects one tag on many photos of the library, and undoes that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectortag.apps.ui.open_library import OpenLibrary


@dataclass(frozen=True, slots=True)
class Word:
    """What was said: the tag, and for each photo what had been decided on it before; None: nothing."""

    tag: str
    before: dict[Path, bool | None]


def say(
    library: OpenLibrary,
    rows: Sequence[int],
    tag: str,
    *,
    has: bool,
    progress: Callable[[int], object] = id,
) -> Word:
    """Accept or reject a tag on photos, by their rows; those that are gone or were not read are left out.

    Args:
        progress: called with the number of photos that are done.

    Raises:
        CorrectionError, LibraryError, UnknownTagError: as `Library.accept`; the photos before have it then.
    """
    before: dict[Path, bool | None] = {}
    for done, row in enumerate(rows, start=1):
        with library.using() as opened:
            photo = opened.photo(row)
            if photo is not None and photo.content is not None:
                known = photo.decisions.get(tag)
                (opened.accept if has else opened.reject)(photo.path, tag)
                before[photo.path] = None if known is None else known.verdict == "accepted"
        progress(done)
    return Word(tag, before)


def take_back(library: OpenLibrary, word: Word) -> None:
    """Decide again as before; fails as `say`."""
    for path, had in word.before.items():
        with library.using() as opened:
            if had is None:
                opened.withdraw(path, word.tag)
            else:
                (opened.accept if had else opened.reject)(path, word.tag)

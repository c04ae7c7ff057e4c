"""Copies of corrected photos in the data folder: the only photos that the page stores, and only if the user agrees."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.core.errors import CorrectionError
from vectortag.core.folders import data_home
from vectortag.core.writing import replace_file
from vectortag.inference.tagger import Tagger
from vectortag.personal.corrections import Correction, read_corrections, remove_correction


def copies_folder() -> Path:
    """The folder of the copies."""
    return data_home() / "corrected"


def corrections_of(photo: PagePhoto, corrections: Iterable[Correction]) -> dict[str, bool]:
    """The corrections of a photo among these: by tag, whether it shows it."""
    copy = _copy_of(photo)
    return {one.tag: one.has for one in corrections if one.photo == copy}


def correct_photo(tagger: Tagger, photo: PagePhoto, tag: str, has: bool) -> None:
    """Store a copy of the photo, and the correction that it shows a tag or does not.

    Raises:
        CorrectionError: the copy or the correction cannot be written.
    """
    copy = _copy_of(photo)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            replace_file(copy, photo.content)
    except OSError as error:
        raise CorrectionError(f"{copy}: the copy of the photo cannot be written: {error.strerror or error}") from error
    tagger.correct(copy, yes=[tag] if has else [], no=[] if has else [tag])


def undo_correction(photo: Path, tag: str) -> None:
    """Delete a correction, and the page's copy of the photo after its last correction.

    Raises:
        CorrectionError: the corrections cannot be written.
    """
    remove_correction(photo, tag)
    if photo.parent == copies_folder().absolute() and all(one.photo != photo for one in read_corrections()):
        photo.unlink(missing_ok=True)


def undo_correction_of(photo: PagePhoto, tag: str) -> None:
    """`undo_correction` for a photo of a session."""
    undo_correction(_copy_of(photo), tag)


def _copy_of(photo: PagePhoto) -> Path:
    return (copies_folder() / f"{photo.key[:32]}{Path(photo.name).suffix.lower()}").absolute()

"""Copies of photos that a visitor corrected: the only photos that the page keeps, and only when told to."""

from __future__ import annotations

from pathlib import Path

from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.core.errors import CorrectionError
from vectortag.core.folders import data_home, replace_file
from vectortag.inference.tagger import Tagger
from vectortag.personal.corrections import read_corrections, remove_correction


def copies_folder() -> Path:
    """Where the copies lie."""
    return data_home() / "corrected"


def corrections_of(photo: PagePhoto) -> dict[str, bool]:
    """What was said of a photo: by tag, whether it has it."""
    copy = _copy_of(photo)
    return {one.tag: one.has for one in read_corrections() if one.photo == copy}


def correct(tagger: Tagger, photo: PagePhoto, tag: str, has: bool) -> None:
    """Keep a copy of the photo, and that it has a tag or has it not.

    Raises:
        CorrectionError: nothing can be kept.
    """
    copy = _copy_of(photo)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            replace_file(copy, photo.content)
    except OSError as error:
        raise CorrectionError(f"{copy}: the photo cannot be kept: {error.strerror or error}") from error
    tagger.correct(copy, yes=[tag] if has else [], no=[] if has else [tag])


def undo_correction(photo: Path, tag: str) -> None:
    """Forget what was said of a photo's tag, and the page's copy of the photo when nothing more is said of it.

    Raises:
        CorrectionError: nothing can be changed.
    """
    remove_correction(photo, tag)
    if photo.parent == copies_folder().absolute() and all(one.photo != photo for one in read_corrections()):
        photo.unlink(missing_ok=True)


def undo_correction_of(photo: PagePhoto, tag: str) -> None:
    """`undo_correction` of a visitor's photo."""
    undo_correction(_copy_of(photo), tag)


def _copy_of(photo: PagePhoto) -> Path:
    return (copies_folder() / f"{photo.key[:32]}{Path(photo.name).suffix.lower()}").absolute()

"""A folder for each word, with its photos; perhaps within folders for the parts of the set, as train/dog/1.jpg."""

from __future__ import annotations

from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.data.find import photos_of
from vectortag.data.formats.rows import PARTS, Labelled, Labels, checked_words


def read_class_folders(source: Path, photos: Path | None) -> Labels:
    """Read the photos of each folder, also those deeper down; its name is their word.

    Args:
        photos: not used; the photos lie where their words are.

    Raises:
        DataError: the folder cannot be read, or has no folders with photos.
    """
    del photos
    try:
        folders = sorted(entry for entry in source.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{escape_path(source)}: cannot be read: {error.strerror}") from error
    parts = {folder: PARTS.get(folder.name.lower()) for folder in folders}
    if folders and all(parts.values()):
        classes = [(inner, parts[folder]) for folder in folders for inner in sorted(folder.iterdir()) if inner.is_dir()]
    else:
        classes = [(folder, None) for folder in folders]
    labelled = [
        Labelled(photo, checked_words([escape_path(folder.name)], escape_path(folder)), escape_path(photo), part)
        for folder, part in classes
        for photo in photos_of([folder])
    ]
    if not labelled:
        raise DataError(f"{escape_path(source)}: expected a folder of photos for each word, found no photo in any")
    return Labels(tuple(labelled), tuple(dict.fromkeys(word for one in labelled for word in one.words)))

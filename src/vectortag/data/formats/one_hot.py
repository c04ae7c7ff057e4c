"""A CSV file with a column for each word: 1 where the photo shows it, 0 where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.data.formats.rows import PARTS, Labelled, Labels, checked_words, photo_below
from vectortag.data.tables import Row, opened_table

PHOTO_COLUMNS = (
    "image_path",
    "file_name",
    "filename",
    "filepath",
    "image",
    "image_name",
    "path",
    "file",
    "photo",
    "id",
)
"""Names of the column that names the photo; the first of them that is there."""

INDEX = ""
"""The header of the numbers that pandas puts before each row."""

YES, NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


def read_one_hot(source: Path, photos: Path | None) -> Labels:
    """Read a table whose other columns, but for `split`, are words. A cell that is neither 1 nor 0 is a problem.

    Raises:
        DataError: the file is no table, or no column names photos or a word.
    """
    folder, name = photos or source.parent, escape_path(source)
    labelled: list[Labelled] = []
    problems: list[str] = []
    with opened_table(source, ()) as table:
        by_lower = {column.lower(): column for column in table.columns}
        photo = next((by_lower[column] for column in PHOTO_COLUMNS if column in by_lower), None)
        if photo is None:
            raise DataError(f"{name}:1: no column names the photos. Call it one of: {', '.join(PHOTO_COLUMNS)}")
        split = by_lower.get("split")
        words = [column for column in table.columns if column not in {photo, split, INDEX}]
        if not words:
            raise DataError(f"{name}:1: expected a column for each word beside {photo!r}, got none")
        checked_words(words, f"{name}:1")
        for row, fields in table.rows:
            try:
                labelled.append(_labelled(folder, f"{source.name}:{row}", fields, photo, split, words))
            except DataError as error:
                problems.append(str(error))
    return Labels(tuple(labelled), tuple(words), tuple(problems))


def _labelled(
    folder: Path, where: str, fields: Row | DataError, photo: str, split: str | None, words: Sequence[str]
) -> Labelled:
    if isinstance(fields, DataError):
        raise fields
    shown = [word for word in words if _is_shown(fields[word], f"{where}: column {word!r}")]
    part = PARTS.get(fields[split].strip().lower()) if split else None
    return Labelled(photo_below(folder, fields[photo].strip(), where), tuple(shown), where, part)


def _is_shown(cell: str, where: str) -> bool:
    value = cell.strip().lower()
    if value not in YES | NO:
        raise DataError(f"{where}: expected 1 or 0, got {cell[:40]!r}. Fix the row or pass --skip-bad-rows")
    return value in YES

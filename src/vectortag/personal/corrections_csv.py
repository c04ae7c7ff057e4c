"""Corrections as a metadata.csv, for the next full training."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.text import CsvLines
from vectortag.core.writing import atomic_output
from vectortag.data.outputs import LABELS, InputFiles, check_output
from vectortag.data.records import photo_in
from vectortag.data.tables import opened_table
from vectortag.data.word_lists import parse_tags
from vectortag.model.taxonomy import Taxonomy
from vectortag.personal.corrections import Correction

COLUMNS = ["image_path", "tags"]


def corrected_words(words: Iterable[str], said: Iterable[Correction], taxonomy: Taxonomy) -> list[str]:
    """The words of a photo after corrections: what it does not have goes, with all that implies it; what is missing
    comes last.

    >>> taxonomy = Taxonomy(synonyms={"dog": ["puppy"]}, implications={"dog": ["animal"]})
    >>> corrected_words(["puppy", "sea"], [Correction(Path("a.jpg"), "animal", False)], taxonomy)
    ['sea']
    """
    words = list(words)
    for one in said:
        if one.has:
            if one.tag not in taxonomy.tags_of(words):
                words.append(one.tag)
        else:
            words = [word for word in words if one.tag not in taxonomy.tags_of([word])]
    return words


def write_corrected(
    file: Path,
    corrections: Sequence[Correction],
    taxonomy: Taxonomy,
    *,
    tags: Mapping[Path, Sequence[str]],
    onto: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Write a metadata.csv of the corrected photos, or a copy of another one in which they are corrected.

    Args:
        tags: what a model says of each corrected photo: the words of those that `onto` does not name.
        onto: a metadata.csv whose other rows are kept as they are.
        overwrite: replace an existing file.

    Returns:
        How many rows were corrected or are new.

    Raises:
        DataError: `onto` cannot be read.
        OutputError: the file cannot be written.
        OverwriteError: the file exists, or is `onto`.
    """
    check_output(file, LABELS, inputs=InputFiles([onto] if onto else []), overwrite=overwrite)
    by_photo: dict[Path, list[Correction]] = {}
    for one in corrections:
        by_photo.setdefault(one.photo, []).append(one)
    rows, columns = _read(onto) if onto else ([], COLUMNS)
    corrected = 0
    for row in rows if onto else ():
        photo = photo_in(onto.parent, row["image_path"]).absolute() if onto else Path()
        if said := by_photo.pop(photo, None):
            words = corrected_words(parse_tags(row["tags"]), said, taxonomy)
            row["tags"] = repr(words)
            corrected += 1
        row["image_path"] = _relative(photo, file)
    for photo, said in by_photo.items():
        words = corrected_words(tags.get(photo, ()), said, taxonomy)
        rows.append({"image_path": _relative(photo, file), "tags": repr(words)})
    text = io.StringIO()
    writer = csv.DictWriter(CsvLines(text), columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_output(file) as stream:
        stream.write(text.getvalue().encode())
    return corrected + len(by_photo)


def _read(file: Path) -> tuple[list[dict[str, str]], list[str]]:
    rows = []
    with opened_table(file, COLUMNS) as table:
        for _, fields in table.rows:
            if isinstance(fields, DataError):
                raise fields
            rows.append(fields)
    return rows, list(table.columns)


def _relative(photo: Path, file: Path) -> str:
    return escape_path(Path(os.path.relpath(photo, file.absolute().parent)).as_posix())

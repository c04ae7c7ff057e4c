"""Data sets of Hugging Face: an image folder with a metadata file, or what `datasets` saved, with photos inside."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.writing import ORDINARY, replace_file
from vectortag.data.formats.rows import PARTS, Labelled, Labels, checked_words, joined, photo_below, read_whole
from vectortag.data.tables import opened_table
from vectortag.data.word_lists import parse_tags

JSON_LINES, TABLE = "metadata.jsonl", "metadata.csv"
SAVED = ("dataset_dict.json", "dataset_info.json")
WORDS = ("tags", "labels", "label", "objects", "categories", "category", "class")
"""Names of the column that has the words; the first of them that is there."""


def read_hugging_face(source: Path, photos: Path | None) -> Labels:
    """Read a folder with metadata.jsonl or metadata.csv, or a folder that `save_to_disk` of `datasets` wrote.

    The metadata file may be in each of the folders train, validation and test instead.

    Args:
        photos: the folder into which photos are written that are inside a saved set.

    Raises:
        DataError: it has neither, a column is missing, or `datasets` is not installed.
    """
    if any((source / name).is_file() for name in SAVED):
        return _of_saved(source, photos or source / "photos")
    folders = parts_with_metadata(source)
    return joined([_of_folder(folder, photos) for folder in folders or [source]])


def parts_with_metadata(source: Path) -> list[Path]:
    """The folders of the parts of a set, each with a metadata file of its own; none where the set has one file."""
    if any((source / name).is_file() for name in (JSON_LINES, TABLE)):
        return []
    parts = [entry for entry in sorted(source.iterdir()) if entry.name.lower() in PARTS]
    return [part for part in parts if any((part / name).is_file() for name in (JSON_LINES, TABLE))]


def _of_folder(source: Path, photos: Path | None) -> Labels:
    part = PARTS.get(source.name.lower())
    if (source / JSON_LINES).is_file():
        return _of_rows(photos or source, JSON_LINES, _json_lines(source / JSON_LINES), part)
    with opened_table(source / TABLE, ("file_name",)) as table:
        rows = [(row, fields if isinstance(fields, DataError) else {**fields}) for row, fields in table.rows]
    return _of_rows(photos or source, TABLE, rows, part)


def _json_lines(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | DataError]]:
    try:
        lines = read_whole(file).decode().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{escape_path(file)}: not UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, DataError(f"{file.name}:{number}: not JSON: {error}. Fix the row or pass --skip-bad-rows")
            continue
        yield number, row if isinstance(row, dict) else DataError(f"{file.name}:{number}: expected an object")


def _of_rows(
    folder: Path, name: str, rows: Iterable[tuple[int, Mapping[str, Any] | DataError]], part: str | None
) -> Labels:
    labelled: list[Labelled] = []
    problems: list[str] = []
    for number, row in rows:
        where = f"{name}:{number}"
        try:
            if isinstance(row, DataError):
                raise row
            photo = photo_below(folder, str(row.get("file_name", "")), where)
            split = PARTS.get(str(row.get("split", "")).lower()) or PARTS.get(Path(str(row["file_name"])).parts[0])
            labelled.append(Labelled(photo, checked_words(_words(row, where), where), where, split or part))
        except DataError as error:
            problems.append(str(error))
    return Labels(tuple(labelled), None, tuple(problems))


def _words(row: Mapping[str, Any], where: str) -> list[object]:
    column = next((name for name in WORDS if name in row), None)
    if column is None:
        raise DataError(f"{where}: no column has the words. Call it one of: {', '.join(WORDS)}")
    value = row[column]
    if isinstance(value, dict):  # objects, as lists of boxes and categories
        value = _word_in(value)
    if isinstance(value, list):  # or a list of objects, each with a box and a category
        value = [_word_in(one) if isinstance(one, dict) else one for one in value]
    if isinstance(value, str):
        return list(parse_tags(value, where))
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _word_in(fields: Mapping[str, Any]) -> Any:
    return next((fields[name] for name in WORDS if name in fields), None)


def _of_saved(source: Path, folder: Path) -> Labels:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise DataError(
            f"{escape_path(source)}: only the library datasets can read it. Install it with: pip install datasets"
        ) from error
    try:
        loaded = datasets.load_from_disk(str(source))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{escape_path(source)}: datasets cannot read it: {error}") from error
    parts = loaded.items() if isinstance(loaded, datasets.DatasetDict) else [(None, loaded)]
    return joined([_of_part(datasets, part, rows, folder) for part, rows in parts])


def _of_part(datasets: Any, part: str | None, rows: Any, folder: Path) -> Labels:
    image = next((name for name, one in rows.features.items() if isinstance(one, datasets.Image)), None)
    if image is None:
        raise DataError(f"features: expected one of the type Image, got {', '.join(rows.features)}")
    classes = _classes(datasets, rows.features)
    labelled: list[Labelled] = []
    problems: list[str] = []
    for number, row in enumerate(rows.cast_column(image, datasets.Image(decode=False))):
        where = f"{part or 'data'}[{number}]"
        try:
            words = [_name(one, classes, where) for one in _words(row, where)]
            photo = _written(folder, f"{part or 'photo'}-{number:06}", row[image], where)
            labelled.append(Labelled(photo, checked_words(words, where), where, PARTS.get(part or "")))
        except DataError as error:
            problems.append(str(error))
    return Labels(tuple(labelled), tuple(classes) or None, tuple(problems))


def _name(word: Any, classes: Sequence[str], where: str) -> Any:
    """The name of a class by its number.

    Raises:
        DataError: there is no class of that number; -1 is that of a photo that nobody labelled.
    """
    if not classes or not isinstance(word, int):
        return word
    if not 0 <= word < len(classes):
        raise DataError(
            f"{where}: expected the number of one of the {len(classes):,} classes, got {word}. Fix the entry"
        )
    return classes[word]


def _classes(datasets: Any, features: Any) -> list[str]:
    """The names of the classes of the column that has the words; empty where it has words themselves."""
    feature = features.get(next((name for name in WORDS if name in features), ""))
    while feature is not None and not isinstance(feature, datasets.ClassLabel):
        if isinstance(feature, list):
            (feature,) = feature
        elif isinstance(feature, dict):
            feature = feature.get(next((name for name in WORDS if name in feature), ""))
        else:
            feature = getattr(feature, "feature", None)
    return [] if feature is None else list(feature.names)


def _written(folder: Path, stem: str, image: Mapping[str, Any], where: str) -> Path:
    """A photo that is inside the set, as a file of its own."""
    content = image.get("bytes")
    if not content:
        path = Path(str(image.get("path") or ""))
        if not path.is_file():
            raise DataError(f"{where}: neither has a photo inside nor names one that is there. Save it with its photos")
        return path
    try:
        with Image.open(io.BytesIO(content)) as opened:
            suffix = {"JPEG": "jpg"}.get(opened.format or "", (opened.format or "png").lower())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{where}: not a photo: {error}") from error
    file = folder / f"{stem}.{suffix}"
    if file.exists():
        if read_whole(file) != content:
            raise DataError(f"{where}: {escape_path(file)} is there and is another photo. Name a new folder: --photos")
        return file
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(file, content, mode=ORDINARY)
    return file

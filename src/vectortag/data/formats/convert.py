"""From the data set of another program to a metadata.csv, which all commands read. Photos stay where they are."""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path, is_folder, unescape_path
from vectortag.core.text import CsvLines
from vectortag.core.writing import atomic_output
from vectortag.data.formats.class_folders import read_class_folders
from vectortag.data.formats.coco import read_coco
from vectortag.data.formats.fiftyone import LABELS, SAMPLES, read_fiftyone
from vectortag.data.formats.hugging_face import JSON_LINES, SAVED, parts_with_metadata, read_hugging_face
from vectortag.data.formats.one_hot import read_one_hot
from vectortag.data.formats.rows import Labelled, Labels
from vectortag.data.outputs import LABELS as METADATA
from vectortag.data.outputs import FileKind, InputFiles, check_output
from vectortag.data.records import KNOWN_TAGS
from vectortag.data.tables import opened_table
from vectortag.data.usable import warn_of_left_out

log = logging.getLogger(__name__)

WRITTEN = re.compile(r".+-[0-9]{6}\.[a-z0-9]+")
"""The name of a photo that was inside a data set; see hugging_face.py."""

KNOWN = FileKind(
    "written for this output: it says which tags every metadata.csv in its folder names wherever they are",
    lambda _: False,
)

ADVICE = re.compile(r"\. Fix the (entry|row)( or pass --skip-bad-rows)?$")
"""How most errors of one entry end."""

Format = Literal["coco", "one-hot", "folders", "fiftyone", "hugging-face"]
READERS: dict[Format, Callable[[Path, Path | None], Labels]] = {
    "coco": read_coco,
    "one-hot": read_one_hot,
    "folders": read_class_folders,
    "fiftyone": read_fiftyone,
    "hugging-face": read_hugging_face,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        output: the metadata.csv.
        format: of each source.
        photos: its rows.
        words: how many different words they have.
        parts: how many photos each part of the set has; empty where there is no column `split`.
        left_out: an error for each entry that was left out.
    """

    output: Path
    format: tuple[Format, ...]
    photos: int
    words: int
    parts: dict[str, int]
    left_out: tuple[str, ...]


def convert(
    *sources: str | Path,
    output: str | Path,
    format: Format | None = None,  # noqa: A002
    photos: str | Path | None = None,
    skip_bad_rows: bool = False,
    overwrite: bool = False,
) -> Conversion:
    """Write a metadata.csv of data sets of other programs, and known_tags.txt where they state their classes.

    Args:
        sources: files or folders, together one set; of several, each is a part of it, such as train and val.
        output: the metadata.csv.
        format: of the sources; None recognises it.
        photos: the folder in which the names of the photos begin; None is as each format has it. Photos inside a saved
            data set are written there, or to `photos` beside the output.
        skip_bad_rows: leave out entries that cannot be used, and missing photos, instead of raising.
        overwrite: replace `output`, and known_tags.txt beside it. Photos that an earlier conversion wrote stay; a
            warning names them if the set does not have them any more.

    Raises:
        DataError: a source cannot be read, or its format is not known.
        OutputError, OverwriteError: the output cannot be written, or is there.
    """
    file, found = Path(output), [Path(source) for source in sources]
    if not found:
        raise DataError("no data set to convert. Name a file or a folder")
    inputs = InputFiles(source for source in found if not is_folder(source))
    check_output(file, METADATA, inputs=inputs, overwrite=overwrite)
    check_output(file.with_name(KNOWN_TAGS), KNOWN, inputs=inputs, overwrite=overwrite)
    kinds = tuple(format or recognise(source) for source in found)
    given = None if photos is None else Path(photos)
    labels = [
        READERS[kind](source, given or _inside(source, kind, file)) for source, kind in zip(found, kinds, strict=True)
    ]
    usable, left_out = _usable(labels, skip_bad_rows=skip_bad_rows)
    parts = _parts(usable)
    earlier = _written_photos(file)
    _write(file, usable, _known(labels), with_split=bool(parts))
    if stale := sorted(earlier - {Path(os.path.normpath(one.photo.absolute())) for one in usable}):
        more = f" and {len(stale) - 1:,} more" if len(stale) > 1 else ""
        log.warning("%s%s: in the metadata.csv that was replaced, and not in this one", escape_path(stale[0]), more)
    words = {word for one in usable for word in one.words}
    return Conversion(file, kinds, len(usable), len(words), parts, tuple(left_out))


def recognise(source: Path) -> Format:
    """The format of a file or folder, by its name and its first line.

    Raises:
        DataError: it is of none, or is a metadata.csv already.
    """
    known = f"Formats: {', '.join(get_args(Format))}; see docs/training.md. Pass --format to choose one"
    if is_folder(source):
        names = {entry.name for entry in source.iterdir()}
        if names & {SAMPLES, LABELS}:
            return "fiftyone"
        if names & {JSON_LINES, *SAVED} or parts_with_metadata(source):
            return "hugging-face"
        if parquet := next(source.rglob("*.parquet"), None):
            raise DataError(
                f"{escape_path(parquet)}: Parquet is not read. Save the set first, in Python: "
                f'datasets.load_dataset("{escape_path(source)}").save_to_disk("saved"). Then convert the folder "saved"'
            )
        if files := sorted(name for name in names if name == "annotations" or name.endswith(".json")):
            raise DataError(f"{escape_path(source)}: name the JSON file to read, in it or in {files[0]}. {known}")
        if "metadata.csv" not in names:
            return "folders"
        source = source / "metadata.csv"
        if "file_name" in _columns(source):
            return "hugging-face"
    if source.suffix.lower() == ".json":
        return "coco"
    columns = _columns(source)
    if {"image_path", "tags"} <= set(columns):
        raise DataError(f"{escape_path(source)}: is a metadata.csv already, which every command reads as it is")
    if len(columns) > 1:
        return "one-hot"
    raise DataError(f"{escape_path(source)}: its format is not known. {known}")


def _columns(file: Path) -> tuple[str, ...]:
    with opened_table(file, ()) as table:
        return table.columns


def _inside(source: Path, kind: Format, output: Path) -> Path | None:
    """Where photos are written that are inside a source."""
    saved = kind == "hugging-face" and any((source / name).is_file() for name in SAVED)
    return output.parent / "photos" if saved else None


def _written_photos(file: Path) -> set[Path]:
    """The photos that an earlier conversion wrote, and that are there, by the metadata.csv that it left."""
    try:
        with opened_table(file, ("image_path",)) as table:
            rows = [fields["image_path"] for _, fields in table.rows if not isinstance(fields, DataError)]
    except DataError:  # there is none, or it is no table
        return set()
    photos = {Path(os.path.normpath((file.parent / unescape_path(row)).absolute())) for row in rows if row}
    return {photo for photo in photos if WRITTEN.fullmatch(photo.name) and photo.is_file()}


def _usable(labels: Sequence[Labels], *, skip_bad_rows: bool) -> tuple[list[Labelled], list[str]]:
    """The photos that are there, and an error for each entry that cannot be used.

    Raises:
        DataError: there is such an entry and `skip_bad_rows` is off, or no photo is there.
    """
    every = [one for of_source in labels for one in of_source.photos]
    usable = [one for one in every if one.photo.is_file()]
    missing = [f"{one.where}: {escape_path(one.photo)} is not there" for one in every if not one.photo.is_file()]
    problems = [*(problem for of_source in labels for problem in of_source.problems), *missing]
    if problems and not (skip_bad_rows and usable):
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        advice = "Fix it or pass --skip-bad-rows" if usable else "Fix it"
        if problems[0] in missing and not usable:
            advice = "Name the folder in which the names of the photos begin: --photos"
        raise DataError(f"{ADVICE.sub('', problems[0])}{more}. {advice}")
    if problems:
        warn_of_left_out(problems, Path("metadata.csv"))
    return usable, problems


def _parts(photos: Sequence[Labelled]) -> dict[str, int]:
    """How many photos each part has; empty where not all photos have one, or all have the same."""
    parts = {part: sum(one.split == part for one in photos) for part in ("train", "val", "test")}
    if 0 < (without := sum(one.split is None for one in photos)) < len(photos):
        log.warning("no column split is written: %d of %d photos have none", without, len(photos))
    found = {part: count for part, count in parts.items() if count}
    return found if not without and len(found) > 1 else {}


def _known(labels: Sequence[Labels]) -> tuple[str, ...] | None:
    """The words whose absence all sources know together; None where one does not say."""
    if any(one.known is None for one in labels):
        return None
    return tuple(dict.fromkeys(word for one in labels for word in one.known or ()))


def _write(file: Path, photos: Sequence[Labelled], known: Sequence[str] | None, *, with_split: bool) -> None:
    text = io.StringIO()
    writer = csv.writer(CsvLines(text))
    writer.writerow(["image_path", "tags", *(["split"] if with_split else [])])
    for one in photos:
        row = [_relative(one.photo, file), repr(list(one.words))]
        writer.writerow([*row, one.split] if with_split else row)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(file) as stream:  # renamed last, when both files are complete
        stream.write(text.getvalue().encode())
        if known is not None:
            with atomic_output(file.with_name(KNOWN_TAGS)) as of_words:
                of_words.write("".join(f"{word}\n" for word in known).encode())
    if known is None:
        file.with_name(KNOWN_TAGS).unlink(missing_ok=True)  # of an earlier conversion, which `overwrite` replaces


def _relative(photo: Path, file: Path) -> str:
    """A photo's path as seen from a file's folder; its whole path where there is none, as on another drive."""
    try:
        return escape_path(os.path.relpath(photo, file.parent))
    except ValueError:
        return escape_path(photo.absolute())

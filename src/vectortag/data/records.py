"""metadata.csv -> records.

    image_path,tags,split
    images/1.jpg,"['sea', 'sun']",train
    images/2.jpg,"dog, snow",val

`tags` is a Python list of strings or comma-separated words; `split` is optional; paths are relative to the file.
A file `known_tags.txt` beside it, a word a line, lists the words whose absence the set knows.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import DataError, did_you_mean
from vectortag.core.file_names import escape_path, is_folder, unescape_path
from vectortag.core.files import open_text, read_file, read_text

KNOWN_TAGS = "known_tags.txt"


@dataclass(frozen=True, slots=True)
class Record:
    """One photo of a data set.

    Attributes:
        path: the photo.
        words: the raw words, as they stand in the file.
        row: the line in the file on which the row ends, the header being line 1.
        split: what the column `split` says, or None.
        dataset: the name of the set it belongs to.
    """

    path: Path
    words: tuple[str, ...]
    row: int
    split: str | None
    dataset: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """The records of one metadata.csv whose photos are there, and what was left out.

    Attributes:
        closed: an error for each folder of photos that could not be read, or not to its end.
        known: the words whose absence the set knows, by its own statement; None where it states nothing.
    """

    name: str
    csv: Path
    records: tuple[Record, ...]
    missing: tuple[Record, ...] = field(default=())
    bad_rows: tuple[str, ...] = field(default=())
    closed: tuple[str, ...] = field(default=())
    known: tuple[str, ...] | None = None

    @property
    def has_splits(self) -> bool:
        """True where the file says for every photo which part it belongs to."""
        return bool(self.records) and all(record.split for record in self.records)


def read_data_set(path: str | Path, *, name: str | None = None, skip_bad_rows: bool = False) -> DataSet:
    """Read a metadata.csv.

    Args:
        path: the file, or the folder that holds it.
        name: what the set is called; None is the name of its folder.
        skip_bad_rows: leave bad rows out and list them, instead of raising at the first.

    Raises:
        DataError: the file cannot be read, a column is missing, or a row is bad.
    """
    file = Path(path) / "metadata.csv" if is_folder(path) else Path(path)
    name = name or escape_path(file.resolve().parent.name)
    records: list[Record] = []
    missing: list[Record] = []
    bad_rows: list[str] = []
    for row, fields in _rows(file):
        try:
            record = _record(file, row, fields, name)
        except DataError as error:
            if not skip_bad_rows:
                raise
            bad_rows.append(str(error))
            continue
        (records if _is_there(record.path) else missing).append(record)
    if not records:
        found = f"{len(missing)} photos are named in it, none of them is there" if missing else "it has no rows"
        raise DataError(f"{file}: expected at least one photo, but {found}. Paths are relative to {file.parent}")
    return DataSet(
        name, file, tuple(records), tuple(missing), tuple(bad_rows), known=_known(file.with_name(KNOWN_TAGS))
    )


def _known(file: Path) -> tuple[str, ...] | None:
    if not file.is_file():
        return None
    try:
        return tuple(word for line in read_text(file).splitlines() if (word := line.strip()))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}. Expected one word per line, in UTF-8") from error


def _is_there(path: Path) -> bool:
    """Whether there is something of that name that may be a photo; where it is closed, whoever reads it will say so."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):  # a name that no file has: too long, as after a quote that nobody closed
        return False


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        with open_text(file, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            _check_columns(file, list(reader.fieldnames or ()))
            for fields in reader:
                yield reader.line_num, fields
    except OSError as error:
        raise DataError(
            f"{file}: cannot be read: {error.strerror}. Expected a CSV file with image_path,tags"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not a CSV file in UTF-8: {error}") from error


def _check_columns(file: Path, columns: list[str]) -> None:
    for needed in ("image_path", "tags"):
        if needed not in columns:
            hint = did_you_mean(needed, columns)
            raise DataError(f"{file}:1: no column {needed!r}, only {', '.join(columns) or 'nothing'}.{hint}")


def _record(file: Path, row: int, fields: dict[str, str | None], dataset: str) -> Record:
    where = f"{file.name}:{row}"
    if None in fields:
        raise DataError(f"{where}: more fields than columns. Put quotes around tags that hold commas. {_ADVICE}")
    image = (fields["image_path"] or "").strip()
    if not image:
        raise DataError(f'{where}: column "image_path" is empty. {_ADVICE}')
    words = parse_tags(fields["tags"] or "", where)
    split = (fields.get("split") or "").strip().lower() or None
    return Record(photo_in(file.parent, image), words, row, split, dataset)


def photo_in(folder: Path, image: str) -> Path:
    """The photo of that name; else, where there is none, the one whose escaped name it is."""
    photo = folder / image
    if "\\" in image and not _is_there(photo) and _is_there(unescaped := folder / unescape_path(image)):
        return unescaped
    return photo


_ADVICE = "Fix the row or pass --skip-bad-rows."


def parse_tags(text: str, where: str = "tags") -> tuple[str, ...]:
    """Read the column `tags` in either of its forms.

    Raises:
        DataError: it begins like a list and is none.

    >>> parse_tags("['sea', 'sun']"), parse_tags("dog, snow ,")
    (('sea', 'sun'), ('dog', 'snow'))
    """
    text = text.strip()
    if not text.startswith("["):
        return tuple(word.strip() for word in text.split(",") if word.strip())
    try:
        words = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        got = text if len(text) <= 40 else text[:40] + "..."
        raise DataError(f'{where}: column "tags" must be a list or comma-separated words, got "{got}". {_ADVICE}')
    return tuple(word.strip() for word in words if word.strip())


def photo_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file: by it a validation photo is known again.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return hashlib.sha256(read_file(path)).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{escape_path(path)}: cannot be read: {error.strerror}") from error

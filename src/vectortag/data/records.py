"""metadata.csv -> records.

    image_path,tags,split
    images/1.jpg,"['sea', 'sun']",train
    images/2.jpg,"dog, snow",val

`tags` is a list or words with a separator, see `word_lists`; `split` is optional; paths are relative to the file.
A file `known_tags.txt` beside it, one word per line, lists the words whose absence the set knows.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path, is_folder, unescape_path
from vectortag.core.files import read_file, read_text
from vectortag.core.text import composed
from vectortag.data.tables import Row, opened_table
from vectortag.data.word_lists import ADVICE, parse_tags

COLUMNS = ("image_path", "tags")
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
        unread: what is wrong with each sidecar, or XMP inside a photo, that cannot be read; these photos are left out.
    """

    name: str
    csv: Path
    records: tuple[Record, ...]
    missing: tuple[Record, ...] = field(default=())
    bad_rows: tuple[str, ...] = field(default=())
    closed: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = field(default=())
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
    with opened_table(file, COLUMNS) as table:
        for row, fields in table.rows:
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


def _record(file: Path, row: int, fields: Row | DataError, dataset: str) -> Record:
    where = f"{file.name}:{row}"
    if isinstance(fields, DataError):
        raise DataError(f"{fields} {ADVICE}") from fields
    image = fields["image_path"].strip()
    if not image:
        raise DataError(f'{where}: column "image_path" is empty. {ADVICE}')
    words = parse_tags(fields["tags"], where)
    split = fields.get("split", "").strip().lower() or None
    return Record(photo_in(file.parent, image), words, row, split, dataset)


def photo_in(folder: Path, image: str) -> Path:
    """The photo of that name; where there is none, the one whose name is the same text, or that it is escaped from.

    An accent may be one character or two (NFC, NFD of Unicode): programs and file systems change one into the other.
    Folders may be separated as on Windows.
    """
    photo = folder / image
    if image.isascii() and "\\" not in image:
        return photo
    for name in dict.fromkeys((image, str(unescape_path(image)), image.replace("\\", "/"))):
        if _is_there(folder / name):
            return folder / name
        if (found := _same_name(folder, name)) is not None:
            return found
    return photo


def _same_name(folder: Path, name: str) -> Path | None:
    """The file whose name is the same text, folder by folder."""
    if name.isascii():
        return None
    found = Path(folder, Path(name).anchor)
    for part in Path(name).relative_to(Path(name).anchor).parts:
        if part == ".." or not _exists(found / part):
            part = part if part == ".." else _names_in(found).get(composed(part), "")
        if not part:
            return None
        found /= part
    return found if _is_there(found) else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _names_in(folder: Path) -> dict[str, str]:
    """The names in a folder, by their composed form; none where it cannot be read."""
    try:
        return _names_of(folder, folder.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@functools.lru_cache(maxsize=64)
def _names_of(folder: Path, _: int) -> dict[str, str]:
    return {composed(name): name for name in sorted(os.listdir(folder), reverse=True)}  # noqa: PTH208


def photo_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file: by it a validation photo is known again.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return hashlib.sha256(read_file(path)).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{escape_path(path)}: cannot be read: {error.strerror}") from error

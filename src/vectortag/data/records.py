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
import itertools
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path, is_folder, real_path, unescape_path
from vectortag.core.files import read_file, read_text
from vectortag.core.text import composed
from vectortag.core.types import PackedPhoto
from vectortag.data.packed import Packed
from vectortag.data.tables import Row, opened_table
from vectortag.data.word_lists import ADVICE, parse_tags

COLUMNS = ("image_path", "tags")
KNOWN_TAGS = "known_tags.txt"
OTHER_FORMATS = (
    "Other formats become a metadata.csv by: vectortag convert. It reads COCO, one-hot CSV, a folder for each word, "
    "FiftyOne and Hugging Face"
)


@dataclass(frozen=True, slots=True)
class Record:
    """One photo of a data set.

    Attributes:
        path: the photo.
        words: the raw words, as they stand in the file.
        row: the line in the file on which the row ends, the header being line 1.
        split: what the column `split` says, or None.
        dataset: the name of the set it belongs to.
        packed: where the photo is, if it is in a shard; then there need be no file at `path`.
    """

    path: Path
    words: tuple[str, ...]
    row: int
    split: str | None
    dataset: str
    packed: Packed | None = None

    @property
    def photo(self) -> Path | PackedPhoto:
        """What is decoded."""
        return self.path if self.packed is None else self.packed.photo


@dataclass(frozen=True, slots=True)
class DataSet:
    """The records of one metadata.csv whose photos are there, each photo once, and what was left out.

    Attributes:
        missing: rows whose photo is not there.
        bad_rows: an error for each row that cannot be read.
        contradictory: all rows of photos whose rows differ in tags or split.
        repeated: further rows of a photo that say the same again.
        closed: an error for each folder of photos that could not be read, or not to its end.
        known: the words whose absence the set knows, by its own statement; None where it states nothing.
        unread: what is wrong with each sidecar, or XMP inside a photo, that cannot be read; these photos are left out.
    """

    name: str
    csv: Path
    records: tuple[Record, ...]
    missing: tuple[Record, ...] = field(default=())
    bad_rows: tuple[str, ...] = field(default=())
    contradictory: tuple[Record, ...] = field(default=())
    repeated: tuple[Record, ...] = field(default=())
    closed: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = field(default=())
    known: tuple[str, ...] | None = None

    @property
    def has_splits(self) -> bool:
        """True where the file says for every photo which part it belongs to."""
        return bool(self.records) and all(record.split for record in self.records)

    @property
    def row_count(self) -> int:
        """Rows of the file, without its header."""
        parts = (self.records, self.missing, self.bad_rows, self.contradictory, self.repeated)
        return sum(map(len, parts))

    @property
    def missing_photos(self) -> tuple[str, ...]:
        """An error for each row whose photo is not there."""
        return tuple(f"{self.where(record)}: {escape_path(record.path)} is not there" for record in self.missing)

    @property
    def contradictions(self) -> tuple[str, ...]:
        """An error for each photo whose rows differ."""
        rows: dict[Path, list[Record]] = {}
        for record in self.contradictory:
            rows.setdefault(record.path, []).append(record)
        return tuple(
            f"{self.where(first)}: {escape_path(path)} has other tags or another split in row "
            f"{', '.join(str(record.row) for record in others)}; one row per photo must have all its tags"
            for path, (first, *others) in rows.items()
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """An error for all that was left out and should be mended: bad rows, contradictions, missing photos."""
        return (*self.bad_rows, *self.contradictions, *self.missing_photos)

    def where(self, record: Record) -> str:
        """A row as errors name it."""
        return f"{self.csv.name}:{record.row}"


def read_data_set(path: str | Path, *, name: str | None = None, skip_bad_rows: bool = False) -> DataSet:
    """Read a metadata.csv.

    Args:
        path: the file, or the folder that holds it.
        name: what the set is called; None is the name of its folder.
        skip_bad_rows: leave bad rows out and list them, instead of raising at the first. A row is bad if it cannot be
            read, if its photo is not there, or if another row says something else of the photo.

    Raises:
        DataError: the file cannot be read, a column is missing, or a row is bad.
    """
    file = metadata_file(path)
    name = name or escape_path(real_path(file).parent.name)
    readable: list[Record] = []
    bad_rows: list[str] = []
    with opened_table(file, COLUMNS, advice=OTHER_FORMATS) as table:
        for row, fields in table.rows:
            try:
                readable.append(_record(file, row, fields, name))
            except DataError as error:
                if not skip_bad_rows:
                    raise
                bad_rows.append(str(error))
    once, repeated, contradictory = _each_photo_once(readable)
    there = [_is_there(record.path) for record in once]
    records = tuple(itertools.compress(once, there))
    missing = tuple(record for record, is_there in zip(once, there, strict=True) if not is_there)
    if not records:
        found = f"{len(missing)} photos are named in it, none of them is there" if missing else "it has no rows"
        if contradictory:
            found = f"the rows of each of its photos contradict each other, as in rows {_rows_of(contradictory)}"
        raise DataError(f"{file}: expected at least one photo, but {found}. Paths are relative to {file.parent}")
    known = _known(file.with_name(KNOWN_TAGS))
    data = DataSet(name, file, records, missing, tuple(bad_rows), contradictory, repeated, known=known)
    if data.problems and not skip_bad_rows:
        raise DataError(stop_at(data.problems, file))
    return data


def metadata_file(path: str | Path) -> Path:
    """The file of a data set that is named by it, or by the folder that holds it."""
    return Path(path) / "metadata.csv" if is_folder(path) else Path(path)


def _known(file: Path) -> tuple[str, ...] | None:
    try:
        return tuple(word for line in read_text(file).splitlines() if (word := line.strip()))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}. Expected one word per line, in UTF-8") from error


def stop_at(problems: Sequence[str], data: Path, what: str = "row") -> str:
    """The message of a command that stops at bad rows: the first of them, how many more there are, what to do."""
    more = f" (and {len(problems) - 1:,} more: vectortag check {escape_path(data)})" if len(problems) > 1 else ""
    return f"{problems[0]}{more}. Fix the {what} or pass --skip-bad-rows."


def _each_photo_once(records: Iterable[Record]) -> tuple[list[Record], tuple[Record, ...], tuple[Record, ...]]:
    """One record for each photo, those that say the same again, and all of photos whose records differ."""
    rows: dict[str, list[Record]] = {}
    for record in records:
        rows.setdefault(os.path.normpath(record.path), []).append(record)
    once: list[Record] = []
    repeated: list[Record] = []
    contradictory: list[Record] = []
    for same in rows.values():
        if len({(frozenset(record.words), record.split) for record in same}) > 1:
            contradictory += same
        else:
            once.append(same[0])
            repeated += same[1:]
    return once, tuple(repeated), tuple(contradictory)


def _rows_of(records: Sequence[Record]) -> str:
    return f"{records[0].row} and {records[1].row}"


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


def record_hash(record: Record) -> str:
    """The `photo_hash` of a record's photo; of one in a shard, that of the file that it was made from."""
    return photo_hash(record.path) if record.packed is None else record.packed.original


def photo_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file: by it a validation photo is known again.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return hashlib.sha256(read_file(path)).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{escape_path(path)}: cannot be read: {error.strerror}") from error

"""Tables in text files, as people's programs write them: separators, byte order marks and UTF-16 are recognised."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import DataError, did_you_mean
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between columns, by the likelihood; the header says which one does."""

LONGEST_LINE = 1 << 20
"""Characters of the first line; a file without line ends is no table."""

LONGEST_LIST = 400
"""Characters of the columns that an error lists."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """An open table.

    Attributes:
        columns: their names.
        separator: what stands between columns.
        rows: the number of the line on which each row ends, and its fields; DataError for a row that has too many.
    """

    columns: tuple[str, ...]
    separator: str
    rows: Iterator[tuple[int, Row | DataError]]


@contextmanager
def opened_table(file: Path, needed: Sequence[str], *, advice: str = "") -> Iterator[Table]:
    """Open a table of text: in UTF-8 or UTF-16, with commas, semicolons, tabs or bars between the columns.

    Args:
        needed: columns that it must have; with none, the separator is the one that makes most columns.
        advice: what to do where one of them is missing.

    Raises:
        DataError: it cannot be read, or a column is missing.
    """
    name = escape_path(file)
    try:
        with open_regular(file) as stream, io.TextIOWrapper(stream, encoding=_encoding(stream), newline="") as text:
            yield _table(name, file.name, text, needed, advice)
    except OSError as error:
        expected = f". Expected a CSV file with {','.join(needed)}" if needed else ""
        raise DataError(f"{name}: cannot be read: {error.strerror}{expected}") from error
    except UnicodeError as error:
        raise DataError(
            f'{name}: not a CSV file in UTF-8: {error}. In a spreadsheet, save it as "CSV UTF-8"'
        ) from error
    except csv.Error as error:
        raise DataError(f"{name}: not a CSV file: {error}") from error


def _encoding(stream: io.BufferedReader) -> str:
    """By the byte order mark; without one, every second byte of UTF-16 is zero where the header is ASCII."""
    start = stream.peek(4)[:4]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[1::2] == b"\0\0":
        return "utf-16-le"
    return "utf-16-be" if start[::2] == b"\0\0" else "utf-8-sig"


def _table(name: str, short: str, text: io.TextIOWrapper, needed: Sequence[str], advice: str) -> Table:
    first = text.readline(LONGEST_LINE)
    skipped = 0
    separators = list(SEPARATORS)
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == 5:  # Excel's own way to say it
        separators, skipped, first = [first[4]], 1, text.readline(LONGEST_LINE)
    headers = {separator: _header(first, separator) for separator in separators}
    likely = max(separators, key=lambda one: len(headers[one])) if not needed else separators[0]
    separator = next((one for one, columns in headers.items() if needed and set(needed) <= set(columns)), likely)
    columns = headers[separator]
    for column in needed:
        if columns.count(column) > 1:
            raise DataError(f"{name}:{1 + skipped}: {columns.count(column)} columns are called {column!r}. Rename one")
        if column not in columns:
            hint = did_you_mean(column, columns)
            raise DataError(
                f"{name}:{1 + skipped}: no column {column!r}, only {_listed(columns)}.{hint}"
                + (f" {advice}" if advice else "")
            )
    return Table(columns, separator, _rows(short, text, columns, separator, skipped + 1))


def _listed(columns: Sequence[str]) -> str:
    """The names of columns; of many or long ones, the first."""
    text = ", ".join(columns) or "nothing"
    return text if len(text) <= LONGEST_LIST else f"{text[:LONGEST_LIST]}... ({len(columns):,} in all)"


def _header(line: str, separator: str) -> tuple[str, ...]:
    fields = next(csv.reader([line], delimiter=separator), [])
    return tuple(field.strip() for field in fields)


class _Lines:
    """The lines of a file. `ended` is set when one more is asked for than there are."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self.ended = text, False

    def __iter__(self) -> Iterator[str]:
        yield from self._text
        self.ended = True


def _rows(
    name: str, text: io.TextIOWrapper, columns: Sequence[str], separator: str, lines: int
) -> Iterator[tuple[int, Row | DataError]]:
    all_lines = _Lines(text)
    reader = csv.reader(all_lines, delimiter=separator)
    for fields in reader:
        row = reader.line_num + lines
        if all_lines.ended:  # in the middle of a row
            yield row, DataError(f"{name}:{row}: a quote is opened in the row that ends here, and never closed.")
            return
        if not any(map(str.strip, fields)):  # spreadsheets leave rows of separators alone
            continue
        if len(fields) > len(columns) and any(fields[len(columns) :]):
            held = SEPARATORS.get(separator, repr(separator))
            yield row, DataError(f"{name}:{row}: more fields than columns. Put quotes around tags that hold {held}.")
        else:
            yield row, dict(zip(columns, [*fields, *[""] * (len(columns) - len(fields))], strict=False))

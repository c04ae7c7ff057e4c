"""Photos inside Parquet files: a column with their bytes, and one with their paths.

The columns are found by name: bytes in `bytes`, `content` or `image`, the last also as the struct of `bytes` and `path`
that Hugging Face's data sets have; paths in `path`, `image_path`, `file_name` or `key`. A row without a path is called
`FILE#ROW`, from 0.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectortag.core.errors import MissingExtraError, PhotoError
from vectortag.core.file_names import is_folder, unescape_path
from vectortag.core.files import open_regular
from vectortag.core.types import StoredPhoto
from vectortag.data.object_store import is_url, persistently, plain, store_of

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

SUFFIX = ".parquet"
BYTES = ("bytes", "content", "image")
PATHS = ("path", "image_path", "file_name", "key")

TOGETHER = 16
"""Rows that are decoded at a time. Memory is bounded by this, and by the compressed size of a column in a row group."""


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """Some rows of a file: those from `first` to `stop`, which is not among them.

    Attributes:
        file: a path or a URL.
        error: why the file cannot be read; then there is one row, which has this error.
    """

    file: str
    first: int
    stop: int
    error: str | None = None

    def __len__(self) -> int:
        return self.stop - self.first


def is_parquet(source: str | Path) -> bool:
    """Whether a source is a Parquet file, or a folder of such files, by its name."""
    return str(source).rstrip("/").endswith(SUFFIX)


def row_groups_of(source: str | Path) -> Iterator[ParquetRows]:
    """The row groups of a file, or of the files of a folder by their names, in their order. Only the ends are read.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    for file in _files_of(str(source)):
        try:
            sizes = persistently(partial(_sizes, file))
        except (OSError, ValueError) as error:
            yield ParquetRows(file, 0, 1, _why(error))
            continue
        first = 0
        for size in sizes:
            yield ParquetRows(file, first, first + size)
            first += size


def _sizes(file: str) -> list[int]:
    with open_parquet(file) as parquet:
        _columns(parquet.schema_arrow)
        return [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]


def photos_in(rows: ParquetRows) -> Iterator[StoredPhoto]:
    """The photos of some rows. After an error that may pass, reading goes on where it stopped.

    What cannot be read gives one photo with the error, and ends the rows.
    """
    reached = rows.first
    if rows.error is not None:
        yield StoredPhoto(rows.file, PhotoError(rows.error))
        return
    while reached < rows.stop:
        try:
            first, others = persistently(partial(_begin, replace(rows, first=reached)))
        except (OSError, ValueError) as error:
            yield StoredPhoto(f"{rows.file}#{reached}", PhotoError(f"cannot be read from here on: {_why(error)}"))
            return
        yield first
        reached += 1
        with contextlib.suppress(OSError, ValueError):
            for photo in others:
                yield photo
                reached += 1


def _begin(rows: ParquetRows) -> tuple[StoredPhoto, Iterator[StoredPhoto]]:
    photos = _read(rows)
    return next(photos), photos


def _read(rows: ParquetRows) -> Iterator[StoredPhoto]:
    with open_parquet(rows.file) as parquet:
        binary, path = _columns(parquet.schema_arrow)
        start = 0
        for group in range(parquet.num_row_groups):
            stop = start + parquet.metadata.row_group(group).num_rows
            if start < rows.stop and stop > rows.first:
                columns = [column for column in (binary, path) if column]
                for batch in parquet.iter_batches(TOGETHER, row_groups=[group], columns=columns):
                    for row, entry in enumerate(batch.to_pylist(), start):
                        if rows.first <= row < rows.stop:
                            yield _photo(rows.file, row, entry[binary], entry[path] if path else None)
                    start += batch.num_rows
            start = stop


def _photo(file: str, row: int, value: Any, path: str | None) -> StoredPhoto:
    if isinstance(value, dict):
        value, path = value.get("bytes"), path or value.get("path")
    name = str(unescape_path(path)) if path else f"{file}#{row}"
    return StoredPhoto(name, PhotoError("the row has no bytes") if value is None else value)


def _columns(schema: Any) -> tuple[str, str | None]:
    """The names of the columns with bytes and paths.

    Raises:
        ValueError: no column has bytes.
    """
    import pyarrow as pa

    def has_bytes(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and has_bytes(kind.field("bytes").type)
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    binary = next((name for name in BYTES if name in schema.names and has_bytes(schema.field(name).type)), None)
    if binary is None:
        raise ValueError(f"no column with the bytes of photos: expected one of {', '.join(BYTES)}, got {schema.names}")
    return binary, next((name for name in PATHS if name in schema.names), None)


def _files_of(source: str) -> Iterator[str]:
    if is_url(source):
        filesystem, path = store_of(source)
        scheme = source[: len(source) - len(path)]
        try:
            found = persistently(partial(_list, filesystem, path.rstrip("/")))
        except OSError:  # whoever opens it will say why
            found = None
        yield from [source] if found is None else (scheme + one for one in found)
    elif is_folder(source):
        yield from sorted(str(file) for file in Path(source).rglob(f"*{SUFFIX}"))
    else:
        yield source


def _list(filesystem: Any, path: str) -> list[str] | None:
    """The Parquet files in a folder of a store; None where it is no folder."""
    from pyarrow.fs import FileSelector

    if filesystem.get_file_info(path).type.name != "Directory":
        return None
    return sorted(
        one.path for one in filesystem.get_file_info(FileSelector(path, recursive=True)) if is_parquet(one.path)
    )


@contextlib.contextmanager
def open_parquet(file: str) -> Iterator[ParquetFile]:
    """Open a Parquet file by its path or URL.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OSError, ValueError: it cannot be read.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("reading Parquet", "pyarrow", "parquet") from error
    if is_url(file):
        filesystem, path = store_of(file)
        opened: Any = filesystem.open_input_file(path)
    else:
        opened = open_regular(file)
    with opened, ParquetFile(opened) as parquet:
        yield parquet


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or plain(error)
    return str(error).splitlines()[0] if str(error) else type(error).__name__

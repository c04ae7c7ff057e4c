"""Shards -> the records of a data set, as `read_data_set` gives them for a metadata.csv. No photo is read."""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path, is_folder, is_there, unescape_path
from vectortag.core.files import open_regular, read_file
from vectortag.core.schema import SchemaError, from_json
from vectortag.data.object_store import READERS, is_url, persistently, plain, store_of
from vectortag.data.packed import Packed
from vectortag.data.records import DataSet, Record
from vectortag.data.shards.layout import INDEX, PLAN, Index, ListedShard, Row, unpack_rows
from vectortag.data.shards.photos import ShardPhoto

log = logging.getLogger(__name__)

SHOWN = 3
"""Photos that are named where photos were left out."""

MARK, START = b'"kind":"vectortag shards"', 100
"""What is within so many bytes from the start of an index or a plan."""

MAKE = "Make them with: vectortag prepare"


def are_shards(place: str | Path) -> bool:
    """Whether a data set is one of shards: each URL, and each folder with an index of ours, or a plan for one."""
    return is_url(place) or (is_folder(place) and any(_begins_as_ours(Path(place, name)) for name in (INDEX, PLAN)))


def refuse_shards(place: str | Path, what: str) -> None:
    """For what shows the photos, or finds other data by their paths.

    Raises:
        DataError: the data set is one of shards.
    """
    if are_shards(place):
        raise DataError(
            f"{escape_path(place)}: {what} needs the photos, not shards of them. "
            "Give the metadata.csv from which the shards were made"
        )


def is_ours(content: bytes) -> bool:
    """Whether this is the start of an index of shards, or of a plan for one."""
    return MARK in content[:START]


def _begins_as_ours(file: Path) -> bool:
    try:
        with open_regular(file) as opened:
            return is_ours(opened.read(START))
    except OSError:
        return False


def read_shards(place: str | Path, *, name: str | None = None) -> DataSet:
    """Read the records of shards.

    Args:
        place: a folder, or a URL as `s3://bucket/shards`.
        name: what the set is called; None is the name that the shards have.

    Raises:
        DataError: the shards are not complete, cannot be read, or are damaged.
        MissingExtraError: a URL needs pyarrow, which is not installed.
    """
    index = read_index(place)
    for one in index.left_out[:SHOWN]:
        log.warning("%s: left out when the shards were made: row %d: %s", escape_path(place), one.row, one.error)
    if len(index.left_out) > SHOWN:
        log.warning("%s: %d more photos were left out", escape_path(place), len(index.left_out) - SHOWN)
    name = name or index.plan.name
    base, tars = Path(place), [f"{_without_slash(place)}/{shard.tar}" for shard in index.shards]
    with ThreadPoolExecutor(READERS) as pool:
        records = tuple(
            _record(base, tar, row, name)
            for tar, rows in zip(tars, pool.map(partial(_rows, place), index.shards), strict=True)
            for row in rows
        )
    if not records:
        raise DataError(f"{escape_path(place)}: none of {len(index.left_out)} photos could be read. {MAKE}")
    return DataSet(name, base / INDEX, records, known=index.plan.known)


def read_index(place: str | Path) -> Index:
    """The index of shards; fails as `read_shards`."""
    where = escape_path(f"{_without_slash(place)}/{INDEX}")
    try:
        return from_json(Index, _content(place, INDEX))
    except FileNotFoundError as error:
        begun = not is_url(place) and is_there(Path(place, PLAN))
        advice = "They are not complete: go on with the same vectortag prepare" if begun else MAKE
        raise DataError(f"{where}: there are no shards. {advice}") from error
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror or plain(error)}") from error
    except SchemaError as error:
        raise DataError(f"{where}: is not an index of shards: {error}. {MAKE}") from error


def _rows(place: str | Path, shard: ListedShard) -> list[Row]:
    where = escape_path(f"{_without_slash(place)}/{shard.rows}")
    try:
        content = _content(place, shard.rows)
        if hashlib.sha256(content).hexdigest() != shard.rows_sha256:
            raise DataError(f"{where}: is not what the index says. Copy it again, or make the shards again")
        return unpack_rows(content)[1]
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror or plain(error)}") from error
    except SchemaError as error:
        raise DataError(f"{where}: {error}") from error


def _record(base: Path, tar: str, row: Row, name: str) -> Record:
    path = base / unescape_path(row.path)
    photo = ShardPhoto(escape_path(path), row.sha256, tar, row.offset, row.size, row.copies)
    return Record(path, row.words, row.row, row.split, name, Packed(photo, row.original, row.print))


def _content(place: str | Path, name: str) -> bytes:
    if not is_url(place):
        return read_file(Path(place, name))
    filesystem, path = store_of(f"{_without_slash(place)}/{name}")

    def read() -> bytes:
        with filesystem.open_input_file(path) as file:
            content: bytes = file.read()
            if len(content) != file.size():
                raise OSError(f"the object ended after {len(content):,} of {file.size():,} bytes")
        return content

    return persistently(read)


def _without_slash(place: str | Path) -> str:
    return str(place).rstrip("/")

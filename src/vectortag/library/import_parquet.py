"""Takes embeddings from Parquet files that `vectortag tag --format parquet --embeddings` wrote, here or elsewhere.

A row belongs to every photo of its content: the hash decides, and the path is not compared. So the rows of a bucket
serve copies of its photos, and a photo that changed since then is analysed by the next update.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vectortag.core.errors import LibraryError, MissingExtraError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.library.analyses import store
from vectortag.library.library_model import LibraryModel
from vectortag.library.schema import transaction

COLUMNS = ("model", "precision", "size", "content", "embedding")
TOGETHER = 512
"""Rows that are read, scored and written at a time."""

KNOWN = "SELECT 1 FROM analyses WHERE content = ? AND model = ?"


@dataclass(slots=True)
class Imported:
    """What an import did.

    Attributes:
        rows: that were read.
        taken: contents that are known by them now.
        known: rows whose content was known before, or is that of an earlier row.
        empty: rows without embedding or hash: of photos that could not be read.
    """

    rows: int = 0
    taken: int = 0
    known: int = 0
    empty: int = 0


def import_embeddings(database: sqlite3.Connection, row: int, model: LibraryModel, files: Iterable[Path]) -> Imported:
    """Store the analyses of all rows, a transaction for each `TOGETHER` of them.

    Args:
        row: of the table `models`.
        model: with which the rows were made.

    Raises:
        LibraryError: a file is no such Parquet file, or another model or precision made it.
        MissingExtraError: pyarrow is not installed.
    """
    done = Imported()
    for file in files:
        for batch in _batches(file):
            done.rows += len(batch)
            fresh = {one["content"]: one for one in batch if one["content"] and one["embedding"] is not None}
            done.empty += sum(one["embedding"] is None or not one["content"] for one in batch)
            for one in fresh.values():
                _check(one, model, file)
            new = [one for one in fresh.values() if not database.execute(KNOWN, (one["content"], row)).fetchone()]
            with transaction(database):
                store(
                    database,
                    row,
                    model,
                    [one["content"] for one in new],
                    [np.asarray(one["embedding"], np.float32) for one in new],
                )
            done.taken += len(new)
    done.known = done.rows - done.taken - done.empty
    return done


def _batches(file: Path) -> Iterator[list[dict[str, Any]]]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("library import", "pyarrow", "parquet") from error
    name = escape_path(file)
    try:
        with open_regular(file) as opened, ParquetFile(opened) as parquet:
            if missing := [column for column in COLUMNS if column not in parquet.schema_arrow.names]:
                raise LibraryError(
                    f"{name}: has no column {missing[0]}. Write it with: vectortag tag --format parquet --embeddings"
                )
            for batch in parquet.iter_batches(TOGETHER, columns=list(COLUMNS)):
                yield batch.to_pylist()
    except OSError as error:
        raise LibraryError(f"{name}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise LibraryError(f"{name}: is not a Parquet file: {str(error).splitlines()[0]}") from error


def _check(row: dict[str, Any], model: LibraryModel, file: Path) -> None:
    """Refuse a row of another network: its embedding says nothing to this one."""
    made_by = (row["model"].removesuffix("+corrections"), row["precision"], row["size"])
    expected = (model.folder.id, model.precision, model.size)
    if made_by != expected:
        raise LibraryError(
            f"{escape_path(file)}: was made by {made_by[0]}, {made_by[1]}, {made_by[2]} pixels; the library uses "
            f"{expected[0]}, {expected[1]}, {expected[2]} pixels. Name the model with --model, or tag again"
        )
    width = model.folder.manifest.backbone.width
    if len(row["embedding"]) != width or not np.isfinite(row["embedding"]).all():
        raise LibraryError(f"{escape_path(file)}: expected embeddings of {width} finite numbers")

"""One rule for rows that cannot be used: a command stops at them, or leaves them out and says so.

A row cannot be used if it cannot be read, if its photo is missing or broken, or if another row of the same photo says
something else. `vectortag check` lists all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vectortag.core.errors import DataError, PhotoError
from vectortag.core.file_names import escape_path
from vectortag.data.embedding_cache import Embeddings, embed_photos
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.records import DataSet, Record, stop_at
from vectortag.model.folder import NETWORK, ModelFolder
from vectortag.runtime.embedder import Embedder

log = logging.getLogger(__name__)

SHOWN = 3
"""Rows that are named where rows are left out."""


def read_usable(path: str | Path, *, name: str | None = None, skip_bad_rows: bool = False) -> DataSet:
    """As `read_tagged_photos`; with `skip_bad_rows`, a warning names the rows that are left out.

    Raises:
        DataError: as `read_tagged_photos`.
    """
    data = read_tagged_photos(path, name=name, skip_bad_rows=skip_bad_rows)
    warn_of_left_out(data.problems, data.csv)
    return data


def without_broken(data: DataSet, broken: Mapping[Path, PhotoError], *, skip_bad_rows: bool) -> DataSet:
    """A data set without its broken photos.

    Args:
        broken: the error of each photo that cannot be decoded.
        skip_bad_rows: leave their rows out, with a warning, instead of raising.

    Raises:
        DataError: a photo is broken and `skip_bad_rows` is off, or no photo is left.
    """
    problems = [f"{data.where(one)}: {broken[one.path]}" for one in data.records if one.path in broken]
    if not problems:
        return data
    readable = tuple(record for record in data.records if record.path not in broken)
    if not readable:
        raise DataError(f"{data.csv}: none of {len(data.records)} photos can be read; the first: {problems[0]}")
    if not skip_bad_rows:
        raise DataError(stop_at(problems, data.csv, "photo"))
    warn_of_left_out(problems, data.csv)
    return replace(data, records=readable)


def warn_of_left_out(problems: Sequence[str], data: Path) -> None:
    """Log the first rows that are left out, and how many more there are."""
    for problem in problems[:SHOWN]:
        log.warning("left out: %s", problem)
    if len(problems) > SHOWN:
        log.warning("left out: %d more rows. List all: vectortag check %s", len(problems) - SHOWN, escape_path(data))


def embed_photos_of(embedder: Embedder, network: str, records: Sequence[Record]) -> tuple[Embeddings, list[PhotoError]]:
    """The embedding of each photo that can be read, by its path, and the errors of the others; see `embed_cached`."""
    paths = {record.photo: record.path for record in records}
    found, failed = embed_photos(embedder, network, list(paths))
    return {paths[photo]: embedding for photo, embedding in found.items()}, failed


def embed_data_set(
    embedder: Embedder, model: ModelFolder, data: DataSet, *, skip_bad_rows: bool = False
) -> tuple[DataSet, Embeddings]:
    """The embedding of each photo of a data set, and the set without the photos that cannot be read.

    Raises:
        DataError: no photo can be read; without `skip_bad_rows`, one cannot.
    """
    embeddings, failed = embed_photos_of(embedder, model.manifest.files[NETWORK], data.records)
    unread = [path for path in dict.fromkeys(record.path for record in data.records) if path not in embeddings]
    broken = dict(zip(unread, failed, strict=True))
    return without_broken(data, broken, skip_bad_rows=skip_bad_rows), embeddings

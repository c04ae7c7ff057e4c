"""What a command names as its photos: files, folders, Parquet files and URLs of object stores, in one order.

A reference says where photos are, and is cheap to make and to send to another machine. `photos_at` reads it.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vectortag.core.errors import ConfigError
from vectortag.core.file_names import escape_path
from vectortag.core.types import StoredPhoto
from vectortag.data.find import LeftOut, photos_of
from vectortag.data.object_store import is_url, objects_of, read_objects
from vectortag.data.parquet_photos import ParquetRows, is_parquet, photos_in, row_groups_of

Source = str | Path
"""The path of a file, of a folder or of a Parquet file; or a URL."""

Reference = Path | str | ParquetRows
"""A file, the URL of an object, or rows of a Parquet file."""


def source_of(text: str) -> Source:
    """What a person wrote as a source. A `file://` URL is a path.

    Raises:
        ConfigError: a `file://` URL names another machine.

    >>> source_of("s3://bucket/photos"), source_of("file:///home/a%20b.jpg")
    ('s3://bucket/photos', PosixPath('/home/a b.jpg'))
    """
    if is_url(text):
        return text
    if not text.startswith("file://"):
        return Path(text)
    url = urlsplit(text)
    if url.netloc not in ("", "localhost"):
        raise ConfigError(f"{text}: names the machine {url.netloc}. Expected file:///PATH")
    return Path(unquote(url.path, errors="surrogateescape"))


def are_files(sources: Iterable[Source]) -> bool:
    """Whether all sources are photos and folders of photos, so that each photo is a file of its own."""
    return all(isinstance(source, Path) and not is_parquet(source) for source in sources)


def references(
    sources: Iterable[Source], *, exclude: Sequence[str] = (), left_out: LeftOut | None = None
) -> Iterator[Reference]:
    """Where the photos of sources are, in the order of the sources; photos are not opened.

    Args:
        exclude, left_out: as for `vectortag.data.find.photos_of`.

    Raises:
        MissingExtraError: a source needs pyarrow, which is not installed.
    """
    for source in sources:
        if is_parquet(source):
            yield from row_groups_of(source)
        elif isinstance(source, str):
            yield from objects_of(source, exclude=exclude, left_out=left_out)
        else:
            yield from photos_of([source], exclude=exclude, left_out=left_out)


def count_of(reference: Reference) -> int:
    """How many photos are there."""
    return len(reference) if isinstance(reference, ParquetRows) else 1


def photos_at(found: Iterable[Reference], *, done: Container[str] = ()) -> Iterator[Path | StoredPhoto]:
    """The photos, in order. Objects of a store are fetched ahead of the caller; files are left to be opened by it.

    Args:
        done: names, as outputs have them, of photos that are left out.
    """
    for kind, some in itertools.groupby(found, type):
        if kind is ParquetRows:
            for rows in some:
                assert isinstance(rows, ParquetRows)
                yield from (photo for photo in photos_in(rows) if escape_path(photo.name) not in done)
        elif kind is str:
            yield from read_objects(url for url in map(str, some) if escape_path(url) not in done)
        else:
            yield from (Path(str(path)) for path in some if escape_path(str(path)) not in done)

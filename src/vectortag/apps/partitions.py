"""A tagging job in partitions: which photos are in each, which are done, and the folder that has both.

    job.json         the model and the options, so that no folder mixes two jobs; written last, when all else is there
    photos.parquet   the photos of partition N in its row group N: what was found when the job began
    part-NNNNN.parquet   the taggings of partition N, in the photos' order; it appears whole or not at all

The folder is on a disk that all machines share, or in an object store, where a written object appears at once. A photo
is in one partition, and a partition is one file: so each photo is written exactly once, however often work is repeated.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vectortag.core.errors import ConfigError, OverwriteError
from vectortag.core.file_names import escape_path, unescape_path
from vectortag.data.object_store import is_url
from vectortag.data.output_folder import OutputFolder
from vectortag.data.parquet_photos import ParquetRows, open_parquet
from vectortag.data.sources import Reference, count_of
from vectortag.inference.many_photos import SCORED_TOGETHER

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

JOB, PHOTOS = "job.json", "photos.parquet"
KIND = "vectortag tag --engine ray"

PARTITION = 512
"""Photos per partition: seconds of work. A multiple of `SCORED_TOGETHER`, so that batches are those of a job without
partitions: in a batch, a photo's numbers may depend on the others in the last bits."""
SHORTEST = 128
"""Photos in the last partition, which else is joined to the one before."""
assert PARTITION % SCORED_TOGETHER == 0


def partitions(found: Iterable[Reference], size: int = PARTITION) -> Iterator[list[Reference]]:
    """Cut the photos of a job into partitions of `size`, a multiple of `SCORED_TOGETHER`.

    A row group of a Parquet file stays in one partition, which is larger then, but for the rows over the last multiple.
    """
    previous: list[Reference] = []
    for part in _filled(found, size):
        if previous and sum(map(count_of, part)) >= min(SHORTEST, size):
            yield previous
            previous = part
        else:
            previous += part
    if previous:
        yield previous


def _filled(found: Iterable[Reference], size: int) -> Iterator[list[Reference]]:
    part: list[Reference] = []
    count = 0
    for reference in found:
        for piece in _cut(reference, count, size):
            part.append(piece)
            count += count_of(piece)
            if count >= size and count % SCORED_TOGETHER == 0:
                yield part
                part, count = [], 0
    if part:
        yield part


def _cut(reference: Reference, count: int, size: int) -> Iterator[Reference]:
    """A reference; rows that fill a partition of `count` photos in two pieces, the first up to a whole multiple."""
    if not isinstance(reference, ParquetRows) or count + len(reference) < size:
        yield reference
        return
    middle = reference.first + (count + len(reference)) // SCORED_TOGETHER * SCORED_TOGETHER - count
    yield replace(reference, stop=middle)
    if middle < reference.stop:
        yield replace(reference, first=middle)


@dataclass(frozen=True)
class PartitionedJob:
    """A job that has begun.

    Attributes:
        folder: with its files.
        sizes: how many photos each partition has.
    """

    folder: OutputFolder
    sizes: tuple[int, ...]

    @classmethod
    def begin(
        cls, folder: OutputFolder, options: Mapping[str, Any], found: Iterable[Reference], size: int = PARTITION
    ) -> PartitionedJob:
        """Go on with the job of a folder, or begin one in an empty folder.

        Args:
            options: what the taggings depend on.
            found: where the photos are; read only where the job begins.

        Raises:
            ConfigError: the folder's job has other options.
            OverwriteError: the folder has something else in it.
            OutputError: it cannot be written or read.
        """
        expected = json.loads(json.dumps({"job": KIND, **options}))
        content = folder.read(JOB)
        if content is not None:
            header = json.loads(content)
            _check(folder, header, expected)
            return cls(folder, tuple(header["sizes"]))
        others = sorted(name for name in folder.names() - {PHOTOS} if not name.startswith("."))
        if others:
            raise OverwriteError(f"{folder.name}: is not empty ({others[0]}) and has no job. Choose another --output")
        listed, sizes = _list(partitions(found, size))
        folder.write(PHOTOS, listed)
        folder.write(JOB, (json.dumps({**expected, "sizes": sizes}) + "\n").encode())
        return cls(folder, tuple(sizes))

    def left(self) -> list[int]:
        """The partitions that are not done."""
        names = self.folder.names()
        return [number for number in range(len(self.sizes)) if part_name(number) not in names]

    def failed(self) -> int:
        """How many photos of the partitions that are done could not be tagged."""
        left, count = set(self.left()), 0
        for number in range(len(self.sizes)):
            if number not in left:
                with open_parquet(self.folder.path_of(part_name(number))) as part:
                    errors = part.read(columns=["error"]).column("error")
                    count += len(errors) - errors.null_count
        return count


def part_name(number: int) -> str:
    """The file of a partition."""
    return f"part-{number:05}.parquet"


def open_photos(folder: OutputFolder) -> AbstractContextManager[ParquetFile]:
    """The list of the job's photos, for `photos_of`."""
    return open_parquet(folder.path_of(PHOTOS))


def photos_of(listed: ParquetFile, number: int) -> list[Reference]:
    """Where the photos of a partition are."""
    return [_reference(row) for row in listed.read_row_group(number).to_pylist()]


def _check(folder: OutputFolder, header: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name in sorted(expected.keys() | header.keys() - {"sizes"}):
        if expected.get(name) != header.get(name):
            raise ConfigError(
                f"{folder.name}: was begun with {name} {header.get(name)}, and now it is {expected.get(name)}. "
                "Use the same options, or another --output"
            )


def _list(parts: Iterable[list[Reference]]) -> tuple[bytes, list[int]]:
    """The photos of all partitions as a Parquet file with a row group for each, and how many photos each has."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    text, number = pa.string(), pa.int64()
    schema = pa.schema(
        [("path", text), ("url", text), ("file", text), ("first", number), ("stop", number), ("error", text)]
    )
    sizes: list[int] = []
    file = io.BytesIO()
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for part in parts:
            sizes.append(sum(map(count_of, part)))
            writer.write_batch(pa.RecordBatch.from_pylist(list(map(_entry, part)), schema))
    return file.getvalue(), sizes


def _entry(reference: Reference) -> dict[str, Any]:
    if isinstance(reference, ParquetRows):
        return {
            "file": escape_path(reference.file),
            "first": reference.first,
            "stop": reference.stop,
            "error": reference.error,
        }
    return {"url": reference} if isinstance(reference, str) else {"path": escape_path(reference)}


def _reference(row: Mapping[str, Any]) -> Reference:
    if row["path"] is not None:
        return unescape_path(row["path"])
    if row["url"] is not None:
        return str(row["url"])
    file = row["file"] if is_url(row["file"]) else str(unescape_path(row["file"]))
    return ParquetRows(file, row["first"], row["stop"], row["error"])

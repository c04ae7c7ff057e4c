"""A data set -> shards: photos are decoded and resized once, whatever they were, and written in order.

Each file appears whole or not at all. What is there of the same plan is kept, so a command that was killed goes on; a
shard depends on nothing but the plan, so what comes of it is the same to the last byte.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vectortag.core.errors import DataError, OverwriteError, PhotoError
from vectortag.core.file_names import escape_path, is_folder, is_there
from vectortag.core.files import read_file
from vectortag.core.schema import SchemaError, from_json, to_json
from vectortag.core.types import ByteArray
from vectortag.core.writing import ORDINARY, atomic_output, cannot_write, remove_folder, replace_file
from vectortag.data.duplicates import SIDE, fingerprint
from vectortag.data.records import DataSet, Record, record_hash
from vectortag.data.shards.archive import BLOCK, TarWriter
from vectortag.data.shards.layout import (
    INDEX,
    PLAN,
    Encoding,
    Index,
    LeftOut,
    ListedShard,
    Plan,
    Row,
    Shard,
    listed,
    pack_rows,
    rows_name,
    tar_name,
    unpack_rows,
)
from vectortag.data.shards.reading import are_shards
from vectortag.data.training_cache import photo_key
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.pipeline import map_ordered
from vectortag.runtime.pixels import PixelRecipe, load_pixels

log = logging.getLogger(__name__)

TOGETHER = 1000
"""Photos per shard: 30 MB of JPEGs of 256 pixels, a minute of work at most."""

QUALITY = 95
"""Of a JPEG, with all of its colours: the pixels of a photo of COCO at 256 pixels change by 0.5 of 255 on average."""

SECONDS_BETWEEN_NOTES = 20

OURS = re.compile(r"photos-[0-9]{5,}\.(tar|jsonl)|index\.json|plan\.json|\.vectortag-.*\.tmp")
"""The names in a folder of shards; one that has others is not replaced."""

SUFFIX: dict[Encoding, str] = {"jpeg": "jpg", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class _Resized:
    """What is written of one record."""

    record: Record
    original: str
    print: bytes
    content: bytes


def write_shards(
    data: DataSet,
    output: Path,
    *,
    size: int = 256,
    lossless: bool = False,
    together: int = TOGETHER,
    overwrite: bool = False,
) -> Index:
    """Write the photos of a data set as shards, or go on where this was broken off.

    Args:
        output: a new or empty folder, or one in which the same was begun.
        size: pixels a side; photos are squashed, as networks of this recipe see them.
        lossless: keep the resized pixels as they are, in two and a half times the space.
        together: photos per shard.
        overwrite: replace other shards.

    Raises:
        OverwriteError: the folder holds something else.
        DataError: no photo can be read, or a photo vanished.
        OutputError: a file cannot be written.
    """
    plan = Plan(
        source=_source(data),
        name=data.name,
        size=size,
        encoding="webp" if lossless else "jpeg",
        recipe=PixelRecipe(),
        together=together,
        known=data.known,
    )
    if is_folder(output) and data.csv.parent.resolve() == output.resolve():
        raise OverwriteError(f"{escape_path(output)}: is what is read. Choose another --output")
    _begin(output, plan, overwrite=overwrite)
    shards: list[ListedShard] = []
    left_out: list[LeftOut] = []
    told = time.monotonic()
    for number, first in enumerate(range(0, len(data.records), together)):
        listed_shard, more = _shard(data, output, plan, number, data.records[first : first + together])
        shards.append(listed_shard)
        left_out += more
        if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
            told = time.monotonic()
            log.info("shards: %d of %d photos", min(first + together, len(data.records)), len(data.records))
    photos = sum(shard.photos for shard in shards)
    if not photos:
        raise DataError(f"{data.csv}: none of {len(data.records)} photos can be read; the first: {left_out[0].error}")
    index = Index(plan=plan, photos=photos, left_out=tuple(left_out), shards=tuple(shards))
    _write(output / INDEX, to_json(index) + "\n")
    (output / PLAN).unlink(missing_ok=True)
    return index


def _source(data: DataSet) -> str:
    """A hash of what is read: the rows, and the state of each photo."""
    digest = hashlib.sha256(photo_key(data.records).encode())
    for record in data.records:
        digest.update(to_json((_path_in(data, record), record.row, record.words, record.split)).encode())
    return digest.hexdigest()


def _path_in(data: DataSet, record: Record) -> str:
    """The path of a photo relative to the data set, as `metadata.csv` has it."""
    folder = data.csv if is_folder(data.csv) else data.csv.parent
    return escape_path(record.path.relative_to(folder) if record.path.is_relative_to(folder) else record.path)


def _begin(output: Path, plan: Plan, *, overwrite: bool) -> None:
    """Make the folder, with its plan.

    Raises:
        OverwriteError: it holds something else, or other shards without `overwrite`.
    """
    name = escape_path(output)
    if is_there(output) and not is_folder(output):
        raise OverwriteError(f"{name}: is a file. Choose another --output")
    if is_folder(output) and any(output.iterdir()):
        if not are_shards(output) or any(not OURS.fullmatch(entry.name) for entry in output.iterdir()):
            raise OverwriteError(f"{name}: holds something other than shards. Choose another --output")
        if _begun(output) == plan:
            return
        if not overwrite:
            what = (
                "complete shards" if is_there(output / INDEX) else "shards that were begun with other photos or options"
            )
            raise OverwriteError(f"{name}: holds {what}. Choose another --output, or pass --overwrite to replace them")
        try:
            remove_folder(output)
        except OSError as error:
            raise cannot_write(output, error) from error
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(output, error) from error
    _write(output / PLAN, to_json(plan) + "\n")


def _begun(output: Path) -> Plan | None:
    """The plan of shards that are not complete."""
    if is_there(output / INDEX):
        return None
    try:
        return from_json(Plan, read_file(output / PLAN))
    except (OSError, SchemaError):
        return None


def _write(file: Path, text: str) -> None:
    try:
        replace_file(file, text.encode(), mode=ORDINARY)
    except OSError as error:
        raise cannot_write(file, error) from error


def _shard(
    data: DataSet, output: Path, plan: Plan, number: int, records: Sequence[Record]
) -> tuple[ListedShard, tuple[LeftOut, ...]]:
    """One shard, made now or earlier."""
    tar = output / tar_name(number)
    file = tar.with_name(rows_name(tar.name))
    try:
        content = read_file(file)
        shard = unpack_rows(content)[0]
        if tar.stat().st_size == shard.bytes:
            return listed(shard, content), shard.left_out
    except (OSError, SchemaError):
        pass
    shard, rows = _write_tar(data, tar, plan, number * plan.together, records)
    text = pack_rows(shard, rows)
    _write(file, text.decode())
    return listed(shard, text), shard.left_out


def _write_tar(data: DataSet, tar: Path, plan: Plan, first: int, records: Sequence[Record]) -> tuple[Shard, list[Row]]:
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    cores = usable_cores()
    done = map_ordered(lambda one: _resized(one, plan), records, threads=cores, in_flight=4 * cores, name="resize")
    with atomic_output(tar) as file:
        archive = TarWriter(file)
        for place, (record, resized) in enumerate(zip(records, done, strict=True)):
            if isinstance(resized, str):
                left_out.append(LeftOut(path=_path_in(data, record), row=record.row, error=resized))
                log.warning("left out: %s: %s", data.where(record), resized)
                continue
            row = _row(data, resized, archive.end + BLOCK)
            archive.add(f"{first + place:09}.{SUFFIX[plan.encoding]}", resized.content)
            archive.add(f"{first + place:09}.json", _description(row))
            rows.append(row)
        archive.close()
    shard = Shard(
        tar=tar.name,
        bytes=archive.end,
        sha256=archive.digest.hexdigest(),
        photos=len(rows),
        left_out=tuple(left_out),
    )
    return shard, rows


def _row(data: DataSet, resized: _Resized, offset: int) -> Row:
    return Row(
        path=_path_in(data, resized.record),
        row=resized.record.row,
        words=resized.record.words,
        split=resized.record.split,
        original=resized.original,
        print=resized.print,
        offset=offset,
        size=len(resized.content),
        sha256=hashlib.sha256(resized.content).digest(),
    )


def _description(row: Row) -> bytes:
    """What stands beside a photo in the tar, for other programs."""
    said = {"path": row.path, "tags": row.words, "split": row.split, "sha256": row.original}
    return to_json(said).encode()


def _resized(record: Record, plan: Plan) -> _Resized | str:
    """A photo as it is written; or why it cannot be read."""
    try:
        pixels = load_pixels(record.photo, plan.size, plan.recipe)
        mark = fingerprint(load_pixels(record.photo, SIDE, plan.recipe))
        return _Resized(record, record_hash(record), mark.tobytes(), _encoded(pixels, plan.encoding))
    except (PhotoError, DataError) as error:
        return str(error)


def _encoded(pixels: ByteArray, encoding: Encoding) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if encoding == "jpeg":
        image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    else:
        image.save(file, "WEBP", lossless=True, quality=20, method=0)  # the fastest to write: 77 kB against PNG's 106
    return file.getvalue()

"""A data set -> shards: photos are decoded and resized once, whatever they were, and written in order.

Each file appears whole or not at all. What is there of the same plan is kept, so a command that was killed goes on; a
shard depends on nothing but the plan, so what comes of it is the same to the last byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vectortag.core.errors import DataError, OverwriteError, PhotoError
from vectortag.core.file_names import escape_path, is_folder
from vectortag.core.schema import SchemaError, to_json
from vectortag.core.types import ByteArray, PackedPhoto, StoredPhoto
from vectortag.data.duplicates import SIDE, fingerprint
from vectortag.data.object_store import is_url
from vectortag.data.output_folder import OutputFolder
from vectortag.data.records import DataSet, Record, photo_hash
from vectortag.data.shards.archive import BLOCK, TarWriter
from vectortag.data.shards.layout import (
    Copy,
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
from vectortag.data.shards.replacing import begin, publish
from vectortag.data.sources import Source
from vectortag.data.training_cache import photo_key
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.decoding.memory import LARGEST_FILE
from vectortag.runtime.decoding.photo_kinds import LONGEST_LEAD, is_video
from vectortag.runtime.pipeline import map_ordered
from vectortag.runtime.pixels import (
    Photo,
    PixelRecipe,
    draft_side,
    load_pixels,
    open_photo,
    opened_image,
    resize_image,
)

log = logging.getLogger(__name__)

TOGETHER = 1000
"""Photos per shard: 30 MB of JPEGs of 256 pixels, a minute of work at most."""

QUALITY = 95
"""Of a JPEG, with all of its colours: the pixels of a photo of COCO at 256 pixels change by 0.5 of 255 on average."""

SECONDS_BETWEEN_NOTES = 20

SUFFIX: dict[Encoding, str] = {"jpeg": "jpg", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class _Resized:
    """What is written of one record."""

    record: Record
    original: str
    print: bytes
    content: bytes
    copies: tuple[tuple[int, bytes], ...]


def write_shards(
    data: DataSet,
    output: Source,
    *,
    size: int = 256,
    copies: Sequence[int] = (),
    lossless: bool = False,
    together: int = TOGETHER,
    overwrite: bool = False,
) -> Index:
    """Write the photos of a data set as shards, or go on where this was broken off.

    Args:
        output: a new or empty folder, or one in which the same was begun; or a URL as `s3://bucket/shards`.
        size: pixels a side; photos are squashed, as networks of this recipe see them.
        copies: other sizes that photos are kept in, too. What asks for such a size gets it from the original, not from
            a photo that was resized twice.
        lossless: keep the resized pixels as they are, in two and a half times the space.
        together: photos per shard.
        overwrite: replace other shards, which stay until the new ones are complete.

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
        copies=tuple(sorted({*copies} - {size})),
    )
    folder = OutputFolder(output.rstrip("/") if isinstance(output, str) and is_url(output) else Path(output))
    if _is_read(data, folder):
        raise OverwriteError(f"{folder.name}: is what is read. Choose another --output")
    plan, there = begin(folder, plan, overwrite=overwrite)
    shards: list[ListedShard] = []
    left_out: list[LeftOut] = []
    told = time.monotonic()
    for number, first in enumerate(range(0, len(data.records), together)):
        listed_shard, more = _shard(data, folder, plan, number, data.records[first : first + together], there)
        shards.append(listed_shard)
        left_out += more
        if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
            told = time.monotonic()
            log.info("shards: %d of %d photos", min(first + together, len(data.records)), len(data.records))
    photos = sum(shard.photos for shard in shards)
    if not photos:
        raise DataError(f"{data.csv}: none of {len(data.records)} photos can be read; the first: {left_out[0].error}")
    index = Index(plan=plan, photos=photos, left_out=tuple(left_out), shards=tuple(shards))
    publish(folder, index)
    return index


def _is_read(data: DataSet, folder: OutputFolder) -> bool:
    if isinstance(folder.place, str):
        return Path(folder.place) == data.csv.parent
    return is_folder(folder.place) and data.csv.parent.resolve() == folder.place.resolve()


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


def _shard(
    data: DataSet,
    folder: OutputFolder,
    plan: Plan,
    number: int,
    records: Sequence[Record],
    there: Mapping[str, int],
) -> tuple[ListedShard, tuple[LeftOut, ...]]:
    """One shard, made now or earlier."""
    tar = tar_name(number, plan.generation)
    if tar in there and rows_name(tar) in there and (content := folder.read(rows_name(tar))) is not None:
        with contextlib.suppress(SchemaError):
            shard = unpack_rows(content)[0]
            if there[tar] == shard.bytes:
                return listed(shard, content), shard.left_out
    shard, rows = _write_tar(data, folder, tar, plan, number * plan.together, records)
    content = pack_rows(shard, rows)
    folder.write(rows_name(tar), content)
    return listed(shard, content), shard.left_out


def _write_tar(
    data: DataSet, folder: OutputFolder, tar: str, plan: Plan, first: int, records: Sequence[Record]
) -> tuple[Shard, list[Row]]:
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    cores = usable_cores()
    done = map_ordered(lambda one: _resized(one, plan), records, threads=cores, in_flight=4 * cores, name="resize")
    with folder.writing(tar) as file:
        archive = TarWriter(file)
        for place, (record, resized) in enumerate(zip(records, done, strict=True)):
            if isinstance(resized, str):
                left_out.append(LeftOut(path=_path_in(data, record), row=record.row, error=resized))
                log.warning("left out: %s: %s", data.where(record), resized)
                continue
            rows.append(_add(archive, data, resized, f"{first + place:09}", SUFFIX[plan.encoding]))
        archive.close()
    shard = Shard(
        tar=tar,
        bytes=archive.end,
        sha256=archive.digest.hexdigest(),
        photos=len(rows),
        left_out=tuple(left_out),
    )
    return shard, rows


def _add(archive: TarWriter, data: DataSet, resized: _Resized, name: str, suffix: str) -> Row:
    """Put a photo, its copies and its words into a tar."""
    offset = archive.end + BLOCK
    archive.add(f"{name}.{suffix}", resized.content)
    copies = []
    for side, content in resized.copies:
        copies.append(Copy(side, archive.end + BLOCK, len(content), hashlib.sha256(content).digest()))
        archive.add(f"{name}.{side}.{suffix}", content)
    row = Row(
        path=_path_in(data, resized.record),
        row=resized.record.row,
        words=resized.record.words,
        split=resized.record.split,
        original=resized.original,
        print=resized.print,
        offset=offset,
        size=len(resized.content),
        sha256=hashlib.sha256(resized.content).digest(),
        copies=tuple(copies),
    )
    archive.add(f"{name}.json", _description(row))
    return row


def _description(row: Row) -> bytes:
    """What stands beside a photo in the tar, for other programs."""
    said = {"path": row.path, "tags": row.words, "split": row.split, "sha256": row.original}
    return to_json(said).encode()


def _resized(record: Record, plan: Plan) -> _Resized | str:
    """A photo as it is written; or why it cannot be read."""
    try:
        photo, original = _read_once(record)
        main = photo.at(plan.size) if isinstance(photo, PackedPhoto) else photo
        side = draft_side(plan.size)
        with opened_image(main, max_pixels=plan.recipe.max_pixels, draft=(side, side)) as image:
            pixels = resize_image(image, plan.size, plan.recipe)
            mark = fingerprint(resize_image(image, SIDE, plan.recipe)).tobytes()
        sizes = [(side, load_pixels(photo, side, plan.recipe)) for side in plan.copies]
    except (PhotoError, DataError) as error:
        return str(error)
    copies = tuple((side, _encoded(copy, plan.encoding)) for side, copy in sizes)
    mark = mark if record.packed is None else record.packed.print
    return _Resized(record, original, mark, _encoded(pixels, plan.encoding), copies)


def _read_once(record: Record) -> tuple[Photo, str]:
    """A photo, and the hash of its file. Both come from one reading, but for videos and what is too large for that."""
    if record.packed is not None:
        return record.packed.photo, record.packed.original
    with open_photo(record.path) as file:
        start = file.peek(LONGEST_LEAD)
        if is_video(start) or os.fstat(file.fileno()).st_size > LARGEST_FILE:
            return record.path, photo_hash(record.path)
        content = file.read()
    return StoredPhoto(os.fspath(record.path), content), hashlib.sha256(content).hexdigest()[:16]


def _encoded(pixels: ByteArray, encoding: Encoding) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if encoding == "jpeg":
        image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    else:
        image.save(file, "WEBP", lossless=True, quality=20, method=0)  # the fastest to write: 77 kB against PNG's 106
    return file.getvalue()

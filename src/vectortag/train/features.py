"""Embeddings of a frozen backbone, computed once by the exported network and kept in the user's cache."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vectortag.data.records import Record
from vectortag.embedder import Embedder
from vectortag.errors import PhotoError, TrainingError
from vectortag.places import cache_home
from vectortag.preprocess import Photo
from vectortag.types import FloatArray

log = logging.getLogger(__name__)


def embed_cached(embedder: Embedder, network: bytes, records: Sequence[Record], *, flipped: bool = False) -> FloatArray:
    """(N, K) float32 of the records' photos, or of their mirror images.

    The cache's key is the network, the pixel recipe, the size, and each photo's path, length and time of change; the
    order of the records is not part of it, so that another split of the same photos finds their embeddings again.

    Raises:
        TrainingError: a photo cannot be read; `vectortag check` lists all of them.
    """
    order = sorted(range(len(records)), key=lambda place: str(records[place].path))
    ordered = [records[place] for place in order]
    file = cache_home() / "embeddings" / f"{_key(embedder, network, ordered, flipped)}.npy"
    if file.is_file():
        embeddings: FloatArray = np.load(file)
    else:
        embeddings = np.stack(list(_embed(embedder, ordered, flipped)))
        _save(file, embeddings)
    result = np.empty_like(embeddings)
    result[order] = embeddings
    return result


def _embed(embedder: Embedder, records: Sequence[Record], flipped: bool) -> Iterator[FloatArray]:
    photos: Iterator[Photo] = (record.path for record in records)
    if flipped:
        photos = (_mirrored(embedder, record) for record in records)
    for done, (record, (_, embedding)) in enumerate(zip(records, embedder.embed_many(photos), strict=True), start=1):
        if isinstance(embedding, PhotoError):
            raise TrainingError(f"{record.dataset}, row {record.row}: {embedding}. List all: vectortag check DATA")
        if done % 1000 == 0:
            log.info("embedded %d of %d photos%s", done, len(records), " (mirrored)" if flipped else "")
        yield embedding


def _mirrored(embedder: Embedder, record: Record) -> Photo:
    try:
        return np.ascontiguousarray(embedder.pixels(record.path)[:, ::-1])
    except PhotoError:
        return record.path  # read again by the embedder, which reports the error in its place


def _key(embedder: Embedder, network: bytes, records: Sequence[Record], flipped: bool) -> str:
    digest = hashlib.sha256(network)
    digest.update(f"{embedder.recipe} {embedder.size} {embedder.session.precision} {flipped}".encode())
    for record in records:
        state = record.path.stat()
        digest.update(f"{record.path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _save(file: Path, array: FloatArray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        np.save(stream, array)
    temporary.replace(file)

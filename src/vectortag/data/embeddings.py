"""Embeddings that were computed once, kept in the user's cache under the content of each photo."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np

from vectortag.embedder import Embedder
from vectortag.errors import PhotoError
from vectortag.machine import usable_cores
from vectortag.places import cache_home
from vectortag.types import FloatArray

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NOTES = 10
TABLES = """
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, content BLOB) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS embeddings (content BLOB PRIMARY KEY, embedding BLOB);
"""
"""`files` spares a second reading of a photo whose length and time of change are what they were. A power failure may
lose what was written last, which is then computed again: a row is there whole or not at all."""


Embeddings = dict[Path, FloatArray]
"""The (K,) embedding of each photo."""


def embed_photos(embedder: Embedder, network: str, photos: Sequence[Path]) -> tuple[Embeddings, list[PhotoError]]:
    """The embedding of each photo that can be read, and the errors of the others; see `embed_cached`."""
    found = dict(zip(photos, embed_cached(embedder, network, photos), strict=True))
    failed = [one for one in found.values() if isinstance(one, PhotoError)]
    return {photo: one for photo, one in found.items() if not isinstance(one, PhotoError)}, failed


def embed_cached(embedder: Embedder, network: str, photos: Sequence[Path]) -> Iterator[FloatArray | PhotoError]:
    """Yield the (K,) embedding of each photo, or the error that stopped it, in the order of `photos`.

    Args:
        network: what names the network for good, such as its hash.
    """
    key = f"{network} {embedder.size} {embedder.recipe.model_dump_json()} {embedder.session.precision}"
    file = cache_home() / "embeddings" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.sqlite"
    with closing(_open(file)) as cache:
        contents = _contents(cache, photos)
        missing = [photo for photo, content in zip(photos, contents, strict=True) if not _has(cache, content)]
        failed = _compute(cache, embedder, missing, dict(zip(photos, contents, strict=True))) if missing else {}
        for photo, content in zip(photos, contents, strict=True):
            if isinstance(content, PhotoError):
                yield content
            elif photo in failed:
                yield failed[photo]
            else:
                (row,) = cache.execute("SELECT embedding FROM embeddings WHERE content = ?", (content,)).fetchone()
                yield np.frombuffer(row, np.float32)


def _open(file: Path) -> sqlite3.Connection:
    """The cache; one in memory where the file cannot be used, since a cache is never worth failing for."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        cache = sqlite3.connect(file, timeout=60)
        cache.executescript(TABLES)
    except (OSError, sqlite3.Error) as error:
        log.warning("%s: cannot be used, so nothing is kept for the next time: %s", file, error)
        cache = sqlite3.connect(":memory:")
        cache.executescript(TABLES)
    return cache


def _contents(cache: sqlite3.Connection, photos: Sequence[Path]) -> list[bytes | PhotoError]:
    """The hash of each photo's content, or the error that says why it has none."""
    known: dict[Path, bytes | PhotoError] = {}
    states: dict[Path, str] = {}
    for photo in photos:
        try:
            found = photo.stat()
        except OSError as error:
            known[photo] = PhotoError(f"{photo}: cannot be read: {error.strerror}")
            continue
        states[photo] = f"{found.st_size} {found.st_mtime_ns}"
        same = "SELECT content FROM files WHERE path = ? AND state = ?"
        if row := cache.execute(same, (str(photo.absolute()), states[photo])).fetchone():
            known[photo] = row[0]
    unread = [photo for photo in states if photo not in known]
    with ThreadPoolExecutor(usable_cores()) as pool:
        read = dict(zip(unread, pool.map(_hash, unread), strict=True))
    rows = [(str(photo.absolute()), states[photo], one) for photo, one in read.items() if isinstance(one, bytes)]
    with cache:
        cache.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)
    known |= read
    return [known[photo] for photo in photos]


def _hash(photo: Path) -> bytes | PhotoError:
    try:
        with photo.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        return PhotoError(f"{photo}: cannot be read: {error.strerror}")


def _has(cache: sqlite3.Connection, content: bytes | PhotoError) -> bool:
    if isinstance(content, PhotoError):
        return True  # there is nothing to compute
    return cache.execute("SELECT 1 FROM embeddings WHERE content = ?", (content,)).fetchone() is not None


def _compute(
    cache: sqlite3.Connection, embedder: Embedder, photos: Sequence[Path], contents: dict[Path, bytes | PhotoError]
) -> dict[Path, PhotoError]:
    """Embed photos into the cache; return the errors of those that cannot be decoded."""
    failed: dict[Path, PhotoError] = {}
    told = time.monotonic()
    for done, (photo, embedding) in enumerate(embedder.embed_many(photos), start=1):
        if isinstance(embedding, PhotoError):
            failed[Path(str(photo))] = embedding
        else:
            row = contents[Path(str(photo))], embedding.tobytes()
            cache.execute("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", row)
        if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
            told = time.monotonic()
            cache.commit()  # what is done stays done where the job is stopped
            log.info("embeddings: %d of %d photos", done, len(photos))
    cache.commit()
    return failed

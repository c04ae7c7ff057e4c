"""Embeddings that were computed once, kept in the user's cache under the content of each photo."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import require_regular
from vectortag.core.folders import cache_home
from vectortag.core.schema import to_json
from vectortag.core.types import FloatArray
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import open_photo

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NOTES = 10
TABLES = """
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, content BLOB) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS embeddings (content BLOB PRIMARY KEY, embedding BLOB);
"""
"""`files` spares a second reading of a photo whose length and time of change are what they were. A power failure may
lose what was written last, which is then computed again: a row is there whole or not at all."""


FILES = "SELECT path, state, content FROM files WHERE path IN"
KNOWN = "SELECT content FROM embeddings WHERE content IN"
EMBEDDINGS = "SELECT content, embedding FROM embeddings WHERE content IN"
AT_ONCE = 900
"""Rows that one query asks for; SQLite may take no more than 999 values."""

Embeddings = dict[Path, FloatArray]
"""The (K,) embedding of each photo."""


class Embedded:
    """Photos whose embeddings are in the cache, from which they are read when they are asked for.

    Attributes:
        photos: those that can be read.
        key: names the embeddings for good, without reading them.
        failed: why the others have none.
    """

    def __init__(
        self, cache: sqlite3.Connection, photos: list[Path], contents: list[bytes], key: str, failed: list[PhotoError]
    ) -> None:
        self._cache, self._contents = cache, contents
        self.photos, self.key, self.failed = photos, key, failed
        weakref.finalize(self, cache.close)

    def __getitem__(self, places: Sequence[int] | npt.NDArray[np.intp]) -> FloatArray:
        """(n, K): the embeddings of some of `photos`, by their places; one at least."""
        contents = [self._contents[place] for place in places]
        found = dict(_ask(self._cache, EMBEDDINGS, contents))
        joined = b"".join([found[content] for content in contents])
        return np.frombuffer(joined, np.float32).reshape(len(contents), -1)


def embed_photos(embedder: Embedder, network: str, photos: Sequence[Path]) -> tuple[Embeddings, list[PhotoError]]:
    """The embedding of each photo that can be read, and the errors of the others; see `embed_cached`."""
    found = embed_cached(embedder, network, photos)
    starts = range(0, len(found.photos), AT_ONCE)
    rows = (row for start in starts for row in found[range(start, min(start + AT_ONCE, len(found.photos)))])
    return dict(zip(found.photos, rows, strict=True)), found.failed


def embed_cached(embedder: Embedder, network: str, photos: Iterable[Path]) -> Embedded:
    """Embed into the cache what is not yet in it. Photos keep their order, each once.

    Args:
        network: what names the network for good, such as its hash.
    """
    photos = list({str(photo): photo for photo in photos}.values())
    file = cache_file(embedder, network)
    with ExitStack() as stack:
        cache = stack.enter_context(closing(open_cache(file)))
        contents = _contents(cache, photos)
        read = [content for content in contents if isinstance(content, bytes)]
        known = {content for (content,) in _ask(cache, KNOWN, read)}
        missing = {
            photo: content
            for photo, content in zip(photos, contents, strict=True)
            if isinstance(content, bytes) and content not in known
        }
        if missing and (failed := _compute(cache, embedder, missing)):
            contents = [failed.get(photo, content) for photo, content in zip(photos, contents, strict=True)]
        stack.pop_all()  # the cache stays open for what is read from it
    good = [photo for photo, content in zip(photos, contents, strict=True) if isinstance(content, bytes)]
    read = [content for content in contents if isinstance(content, bytes)]
    key = hashlib.sha256(file.stem.encode() + b"".join(read)).hexdigest()
    return Embedded(cache, good, read, key, [error for error in contents if isinstance(error, PhotoError)])


def cache_file(embedder: Embedder, network: str) -> Path:
    """Where the embeddings of a network lie, as it runs here."""
    key = f"{network} {embedder.size} {to_json(embedder.recipe)} {embedder.session.precision}"
    return cache_home() / "embeddings" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.sqlite"


def open_cache(file: Path) -> sqlite3.Connection:
    """The cache; one in memory where the file cannot be used, since a cache is never worth failing for."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            require_regular(file)
        cache = sqlite3.connect(file, timeout=60, check_same_thread=False)
        cache.executescript(TABLES)
    except (OSError, sqlite3.Error) as error:
        log.warning("%s: cannot be used, so nothing is kept for the next time: %s", file, error)
        cache = sqlite3.connect(":memory:", check_same_thread=False)
        cache.executescript(TABLES)
    return cache


def _ask(cache: sqlite3.Connection, query: str, values: Sequence[str | bytes]) -> Iterator[Any]:
    """The rows of a query that ends in `IN`, for many values: as few queries as can be."""
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        yield from cache.execute(f"{query} ({','.join('?' * len(some))})", some)


def _contents(cache: sqlite3.Connection, photos: Sequence[Path]) -> list[bytes | PhotoError]:
    """The hash of each photo's content, or the error that says why it has none."""
    states = [_state(photo) for photo in photos]
    paths = [state[0] for state in states if not isinstance(state, PhotoError)]
    known = {(path, state): content for path, state, content in _ask(cache, FILES, paths)}
    unread = {
        state: photo
        for photo, state in zip(photos, states, strict=True)
        if not isinstance(state, PhotoError) and state not in known
    }
    with ThreadPoolExecutor(usable_cores()) as pool:
        read = dict(zip(unread, pool.map(_hash, unread.values()), strict=True))
    with cache:
        rows = [(*state, content) for state, content in read.items() if isinstance(content, bytes)]
        cache.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)
    known |= read
    return [state if isinstance(state, PhotoError) else known[state] for state in states]


def _state(photo: Path) -> tuple[str, str] | PhotoError:
    """A photo's path, and what changes when the photo does."""
    try:
        found = photo.stat()
    except OSError as error:
        return PhotoError(f"{escape_path(photo)}: cannot be read: {error.strerror}")
    return escape_path(photo.absolute()), f"{found.st_size} {found.st_mtime_ns}"


def _hash(photo: Path) -> bytes | PhotoError:
    try:
        with open_photo(photo) as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except PhotoError as error:
        return error


def _compute(cache: sqlite3.Connection, embedder: Embedder, photos: Mapping[Path, bytes]) -> dict[Path, PhotoError]:
    """Embed photos into the cache, each under its content; return the errors of those that cannot be decoded."""
    failed: dict[Path, PhotoError] = {}
    told = time.monotonic()
    for done, (photo, embedding) in enumerate(embedder.embed_many(photos), start=1):
        if isinstance(embedding, PhotoError):
            failed[Path(str(photo))] = embedding
        else:
            row = photos[Path(str(photo))], embedding.tobytes()
            cache.execute("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", row)
        if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
            told = time.monotonic()
            cache.commit()  # what is done stays done where the job is stopped
            log.info("embeddings: %d of %d photos", done, len(photos))
    cache.commit()
    return failed

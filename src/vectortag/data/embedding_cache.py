"""Embeddings that were computed once, kept in the user's cache under the content of each photo."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import require_regular
from vectortag.core.folders import cache_home
from vectortag.core.schema import to_json
from vectortag.core.types import FloatArray, PackedPhoto
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
STORE = "INSERT OR REPLACE INTO embeddings VALUES (?, ?)"
EMBEDDINGS = "SELECT content, embedding FROM embeddings WHERE content IN"
HASH_SIZE = 8
"""Bytes behind each embedding, of the hash of the photo's content and the embedding."""

CANNOT_BE_USED = {
    getattr(sqlite3, f"SQLITE_{name}") for name in ("BUSY", "LOCKED", "FULL", "IOERR", "READONLY", "CANTOPEN", "PERM")
}
"""How SQLite says that the file may be whole, but cannot be used now; anything else is a damaged file."""
FAILURES = (sqlite3.Error, UnicodeError)
"""What reading a cache raises; the second where SQLite's message quotes damaged bytes."""

AT_ONCE = 900
"""Rows that one query asks for; SQLite may take no more than 999 values."""

Embeddings = dict[Path, FloatArray]
"""The (K,) embedding of each photo."""

Kept = TypeVar("Kept", bound=Path | PackedPhoto)
"""What can be known again: a file by its length and time of change, a photo in a shard by its hash."""


class Embedded(Generic[Kept]):
    """Photos whose embeddings are in the cache, from which they are read when they are asked for.

    Attributes:
        photos: those that can be read.
        key: names the embeddings for good, without reading them.
        failed: why the others have none.
    """

    def __init__(
        self,
        cache: sqlite3.Connection,
        embedder: Embedder,
        photos: list[Kept],
        contents: list[bytes],
        key: str,
        failed: list[PhotoError],
    ) -> None:
        self._cache, self._embedder, self._contents = cache, embedder, contents
        self.photos, self.key, self.failed = photos, key, failed
        weakref.finalize(self, cache.close)

    def __getitem__(self, places: Sequence[int] | npt.NDArray[np.intp]) -> FloatArray:
        """(n, K): the embeddings of some of `photos`, by their places; one at least.

        Raises:
            PhotoError: an embedding was damaged, and its photo is gone.
        """
        contents = [self._contents[place] for place in places]
        found = _whole_rows(self._cache, contents)
        if lost := {
            self.photos[place]: self._contents[place] for place in places if self._contents[place] not in found
        }:
            log.warning("%d embeddings in the cache are damaged; they are computed again", len(lost))
            found |= _computed_again(self._cache, self._embedder, lost)
        joined = b"".join([found[content] for content in contents])
        return np.frombuffer(joined, np.float32).reshape(len(contents), -1)


def _whole_rows(cache: sqlite3.Connection, contents: Sequence[bytes]) -> dict[bytes, bytes]:
    """The embeddings in the cache that are as they were written, by content."""
    try:
        rows = list(_ask(cache, EMBEDDINGS, contents))
    except FAILURES:
        return {}
    return {
        content: kept[:-HASH_SIZE]
        for content, kept in rows
        if isinstance(kept, bytes) and kept == _checked(content, kept[:-HASH_SIZE])
    }


def _checked(content: bytes, embedding: bytes) -> bytes:
    return embedding + hashlib.sha256(content + embedding).digest()[:HASH_SIZE]


def embed_photos(
    embedder: Embedder, network: str, photos: Sequence[Kept]
) -> tuple[dict[Kept, FloatArray], list[PhotoError]]:
    """The embedding of each photo that can be read, and the errors of the others; see `embed_cached`."""
    found = embed_cached(embedder, network, photos)
    starts = range(0, len(found.photos), AT_ONCE)
    rows = (row for start in starts for row in found[range(start, min(start + AT_ONCE, len(found.photos)))])
    return dict(zip(found.photos, rows, strict=True)), found.failed


def embed_cached(embedder: Embedder, network: str, photos: Iterable[Kept]) -> Embedded[Kept]:
    """Embed into the cache what is not yet in it. Photos keep their order, each once.

    Args:
        network: what names the network for good, such as its hash.
    """
    photos = list({str(photo): photo for photo in photos}.values())
    file = cache_file(embedder, network)
    try:
        return _embed_into(open_cache(file), file.stem, embedder, photos)
    except FAILURES as error:
        log.warning("%s: %s. Its embeddings are computed again", file, error)
        cache = _in_memory(file, error) if _is_whole(error) else _emptied(file)
    try:
        return _embed_into(cache, file.stem, embedder, photos)
    except FAILURES as error:  # such as a disk that is full
        return _embed_into(_in_memory(file, error), file.stem, embedder, photos)


def _is_whole(error: Exception) -> bool:
    """Whether the file may be whole after all."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in CANNOT_BE_USED


def _embed_into(cache: sqlite3.Connection, name: str, embedder: Embedder, photos: Sequence[Kept]) -> Embedded[Kept]:
    with ExitStack() as stack:
        stack.enter_context(closing(cache))
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
    key = hashlib.sha256(name.encode() + b"".join(read)).hexdigest()
    return Embedded(cache, embedder, good, read, key, [one for one in contents if isinstance(one, PhotoError)])


def _emptied(file: Path) -> sqlite3.Connection:
    """A new cache in the place of a damaged one; in memory where that cannot be made."""
    try:
        for suffix in ("", "-journal", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        return open_cache(file)
    except (OSError, *FAILURES) as error:
        return _in_memory(file, error)


def _in_memory(file: Path, error: Exception) -> sqlite3.Connection:
    log.warning("%s: cannot be used, so nothing is kept for the next time: %s", file, error)
    cache = sqlite3.connect(":memory:", check_same_thread=False)
    cache.executescript(TABLES)
    return cache


def cache_file(embedder: Embedder, network: str) -> Path:
    """Where the embeddings of a network lie, as it runs here."""
    key = f"{network} {embedder.size} {to_json(embedder.recipe)} {embedder.session.precision}"
    return cache_home() / "embeddings" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.sqlite"


def open_cache(file: Path) -> sqlite3.Connection:
    """The cache; one in memory where the file cannot be used, since a cache is never worth failing for.

    Raises:
        sqlite3.Error, UnicodeError: the file is damaged.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            require_regular(file)
        cache = sqlite3.connect(file, timeout=60, check_same_thread=False)
    except (OSError, *FAILURES) as error:
        return _in_memory(file, error)
    with ExitStack() as stack:
        stack.callback(cache.close)
        cache.executescript(TABLES)
        stack.pop_all()
    return cache


def _ask(cache: sqlite3.Connection, query: str, values: Sequence[str | bytes]) -> Iterator[Any]:
    """The rows of a query that ends in `IN`, for many values: as few queries as can be."""
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        yield from cache.execute(f"{query} ({','.join('?' * len(some))})", some)


def _contents(cache: sqlite3.Connection, photos: Sequence[Path | PackedPhoto]) -> list[bytes | PhotoError]:
    """The hash of each photo's content, or the error that says why it has none."""
    of_files = iter(_file_contents(cache, [photo for photo in photos if isinstance(photo, Path)]))
    return [next(of_files) if isinstance(photo, Path) else photo.key for photo in photos]


def _file_contents(cache: sqlite3.Connection, photos: Sequence[Path]) -> list[bytes | PhotoError]:
    states = [_state(photo) for photo in photos]
    paths = [state[0] for state in states if not isinstance(state, PhotoError)]
    known: dict[tuple[str, str], bytes | PhotoError] = {
        (path, state): content
        for path, state, content in _ask(cache, FILES, paths)
        if isinstance(content, bytes) and len(content) == hashlib.sha256().digest_size
    }
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


def _compute(cache: sqlite3.Connection, embedder: Embedder, photos: Mapping[Kept, bytes]) -> dict[Kept, PhotoError]:
    """Embed photos into the cache, each under its content; return the errors of those that cannot be decoded."""
    failed: dict[Kept, PhotoError] = {}
    told = time.monotonic()
    results = zip(photos.items(), embedder.embed_many(photos), strict=True)
    for done, ((photo, content), (_, embedding)) in enumerate(results, start=1):
        if isinstance(embedding, PhotoError):
            failed[photo] = embedding
        else:
            cache.execute(STORE, (content, _checked(content, embedding.tobytes())))
        if time.monotonic() - told > SECONDS_BETWEEN_NOTES:
            told = time.monotonic()
            cache.commit()  # what is done stays done where the job is stopped
            log.info("embeddings: %d of %d photos", done, len(photos))
    cache.commit()
    return failed


def _computed_again(
    cache: sqlite3.Connection, embedder: Embedder, photos: Mapping[Kept, bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Embeddings that were damaged, by content; they are put into the cache where that can be done.

    Raises:
        PhotoError: a photo is gone.
    """
    for content, (_, embedding) in zip(photos.values(), embedder.embed_many(photos), strict=True):
        if isinstance(embedding, PhotoError):
            raise embedding
        with suppress(*FAILURES), cache:
            cache.execute(STORE, (content, _checked(content, embedding.tobytes())))
        yield content, embedding.tobytes()

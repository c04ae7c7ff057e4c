"""Brings a library up to date: looks through its folders, reads what is new, and analyses contents it does not know.

Work is written in batches. After a kill at any moment, the next update goes on: a photo without content is to be read,
a content without analysis is to be analysed.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path, unescape_path
from vectortag.core.types import FloatArray
from vectortag.library.analyses import adopt, store, use_model
from vectortag.library.folders import forget_unused, roots_of
from vectortag.library.library_model import Analyser
from vectortag.library.photo_facts import (
    ChangedPhotoError,
    PhotoFacts,
    check_unchanged,
    read_facts,
    read_notes,
    will_pass,
)
from vectortag.library.photo_rows import keep_error, keep_facts, keep_notes
from vectortag.library.scan import Seen, scan
from vectortag.library.schema import transaction
from vectortag.library.unfinished import count_unfinished, is_analysed, photos_to_analyse, photos_to_read
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.pipeline import map_ordered

log = logging.getLogger(__name__)

BATCH, SECONDS = 512, 15.0
"""A transaction has this many photos, or what was done in this time. Each photo's tags go to other pages of the table
`shown`: the larger the batch, the fewer pages are written per photo."""


@dataclass(slots=True)
class Updated:
    """What an update did.

    Attributes:
        seen: what the scan found.
        read: new and changed photos that were read.
        moved: of them, those that were elsewhere before.
        gone: photos that this scan missed, and that have not moved.
        analysed: contents that the network saw.
        encoded: contents that a person's own encoder saw.
        adopted: contents whose scores came from another model's embeddings.
        failed: photos that cannot be read, among those that were tried.
        unsettled: photos that changed or went away while they were read; the next update tries them again.
        pruned: rows of gone photos that were forgotten.
        left: photos that are still to be read or analysed.
        stopped: the update was asked to end before all was done.
    """

    seen: Seen = field(default_factory=Seen)
    read: int = 0
    moved: int = 0
    gone: int = 0
    analysed: int = 0
    encoded: int = 0
    adopted: int = 0
    failed: int = 0
    unsettled: int = 0
    pruned: int = 0
    left: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo in hand. `facts` is None if its row has them already."""

    id: int
    path: Path
    size: int
    mtime_ns: int
    content: bytes
    facts: PhotoFacts | None


class Update:
    """One run over a library, by one process.

    Args:
        stop: asked before each photo; True ends the run after the photos in hand.
        progress: called with the photos that are done and all that were to do.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        model: Analyser,
        *,
        threads: int | None = None,
        max_pixels: int | None = None,
        stop: Callable[[], bool] = bool,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.database, self.model, self.stop, self.progress = database, model, stop, progress
        self.threads, self.max_pixels = threads, max_pixels
        self.done = Updated()
        self.row = 0
        self.roots: dict[int, Path] = {}
        self.in_hand: deque[_Photo] = deque()
        self.contents: set[bytes] = set()  # of `in_hand` and `analysed`
        self.analysed: list[tuple[_Photo, FloatArray]] = []
        self.read: list[tuple[int, PhotoFacts]] = []
        self.failed: list[tuple[int, str]] = []
        self.finished = self.total = 0
        self.written = time.monotonic()

    def run(
        self, *, prune: bool = False, retry: bool = False, keep: Collection[int] = (), seen: Seen | None = None
    ) -> Updated:
        """Bring the library up to date.

        Args:
            prune: forget photos that are gone, and the analyses of other models and of contents that no photo has.
            retry: also try photos again that could not be read.
            keep: rows of `models` whose analyses are not forgotten either.
            seen: what the scan of a moment ago found; None: the folders are looked through first.
        """
        if retry:
            with transaction(self.database):
                self.database.execute("UPDATE photos SET error = NULL, content = NULL WHERE error IS NOT NULL")
        self.done.seen = scan(self.database, stop=self.stop) if seen is None else seen
        self.roots = {root.id: root.path for root in roots_of(self.database)}
        self.row = use_model(self.database, self.model)
        self.done.adopted = adopt(self.database, self.row, self.model)
        self._read_changed_notes()
        self.total = self._count_left()
        self._say_why_again()
        if self.total and not self.stop():
            self._work()
        self.done.left = self._count_left() if self.total else 0
        self.done.gone = self._count_gone()
        self.done.stopped = self.done.seen.stopped or (self.done.left > 0 and self.stop())
        if prune and not self.done.stopped:
            self._prune({self.row, *keep})
        return self.done

    def _count_left(self) -> int:
        return count_unfinished(self.database, self.row)

    def _count_gone(self) -> int:
        if not self.done.seen.gone:
            return 0
        (count,) = self.database.execute(
            "SELECT count(*) FROM photos WHERE gone = ?", (self.done.seen.began,)
        ).fetchone()
        return int(count)

    def _say_why_again(self) -> None:
        (known,) = self.database.execute("SELECT count(*) FROM analyses WHERE model <> ?", (self.row,)).fetchone()
        (own,) = self.database.execute("SELECT count(*) FROM analyses WHERE model = ?", (self.row,)).fetchone()
        if known and not own and self.total:
            log.info(
                "%s: its network is not the one that the library's embeddings come from, so %d photos are read again",
                self.model.id,
                self.total,
            )

    def _work(self) -> None:
        """Read and analyse. The network is opened only for the first photo that needs it."""
        photos = self._unknown_photos()
        first = next(photos, None)
        if first is not None:
            embedder = self.model.open_embedder(threads=self.threads, max_pixels=self.max_pixels)
            for _, result in embedder.embed_many(itertools.chain([first], photos)):
                self._take(self.in_hand.popleft(), result)
        self._write()

    def _unknown_photos(self) -> Iterator[Path]:
        """Read photos, and yield those that the network has to see."""
        threads = self.threads or usable_cores()
        work = map_ordered(self._read, self._unread(), threads=threads, in_flight=4 * threads, name="facts")
        for row, path, facts in work:
            if isinstance(facts, PhotoError):
                self._fail(row, path, facts)
            elif facts.content in self.contents or is_analysed(self.database, facts.content, self.row):
                self.read.append((row, facts))
            else:
                photo = _Photo(row, path, facts.size, facts.mtime_ns, facts.content, facts)
                self._hold(photo)
                yield path
            self._write_sometimes()
        for photo in self._unanalysed():
            self._hold(photo)
            yield photo.path

    def _hold(self, photo: _Photo) -> None:
        self.in_hand.append(photo)
        self.contents.add(photo.content)

    def _unread(self) -> Iterator[tuple[int, Path]]:
        for row, root, path in photos_to_read(self.database):
            if self.stop():
                return
            yield row, self.roots[root] / unescape_path(path)

    def _unanalysed(self) -> Iterator[_Photo]:
        """Photos that were read before, of contents that this model has not seen."""
        for row, root, path, size, mtime_ns, content in photos_to_analyse(self.database, self.row):
            if self.stop():
                return
            if content not in self.contents:
                yield _Photo(row, self.roots[root] / unescape_path(path), size, mtime_ns, content, None)

    @staticmethod
    def _read(photo: tuple[int, Path]) -> tuple[int, Path, PhotoFacts | PhotoError]:
        row, path = photo
        try:
            return row, path, read_facts(path)
        except PhotoError as error:
            return row, path, error

    def _take(self, photo: _Photo, result: FloatArray | PhotoError) -> None:
        """Take what the network gave for a photo, unless its file changed since it was hashed."""
        try:
            check_unchanged(photo.path, photo.size, photo.mtime_ns)
        except ChangedPhotoError as error:
            result = error
        if isinstance(result, PhotoError):
            self.contents.discard(photo.content)
            self._fail(photo.id, photo.path, result)
        else:
            self.analysed.append((photo, result))
        self._write_sometimes()

    def _fail(self, row: int, path: Path, error: PhotoError) -> None:
        if will_pass(error):
            self.done.unsettled += 1
        else:
            self.failed.append((row, str(error).removeprefix(f"{escape_path(path)}: ")))

    def _write_sometimes(self) -> None:
        waiting = len(self.analysed) + len(self.read) + len(self.failed)
        if self.progress is not None:
            self.progress(self.finished + waiting, self.total)
        if waiting >= BATCH or (waiting and time.monotonic() - self.written > SECONDS):
            self._write()

    def _write(self) -> None:
        """Write what is done, in one transaction."""
        facts = self.read + [(photo.id, photo.facts) for photo, _ in self.analysed if photo.facts is not None]
        contents = [photo.content for photo, _ in self.analysed]
        with transaction(self.database):
            store(self.database, self.row, self.model, contents, [embedding for _, embedding in self.analysed])
            moved = keep_facts(self.database, facts)
            keep_error(self.database, self.failed)
        self.contents.difference_update(contents)
        self.done.read += len(facts)
        self.done.moved += moved
        self.done.analysed += len(self.analysed)
        self.done.failed += len(self.failed)
        self.finished += len(self.read) + len(self.analysed) + len(self.failed)
        self.read, self.analysed, self.failed = [], [], []
        self.written = time.monotonic()

    def _read_changed_notes(self) -> None:
        """Read keywords and ratings of photos whose sidecars changed."""
        query = "SELECT root, path FROM photos WHERE id = ?"
        for start in range(0, len(self.done.seen.stale), BATCH):
            some = self.done.seen.stale[start : start + BATCH]
            places = [self.database.execute(query, (row,)).fetchone() for row, _ in some]
            notes = [read_notes(self.roots[root] / unescape_path(path)) for root, path in places]
            with transaction(self.database):
                keep_notes(self.database, some, notes)

    def _prune(self, keep: Collection[int]) -> None:
        with transaction(self.database):
            self.done.pruned = self.database.execute("DELETE FROM photos WHERE gone IS NOT NULL").rowcount
            marks = ",".join("?" * len(keep))
            self.database.execute(f"DELETE FROM models WHERE id NOT IN ({marks})", list(keep))
            forget_unused(self.database)

"""Photos that were dropped and are still to be read: a thread reads and tags them, many at a time, in their order.

The thread never touches the session: the page's script collects what is ready, whenever it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos, reading
from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.runtime.embedder import Embedder

END = 0.1
"""Seconds to wait for the word that nothing is left, after the last file: it comes at once."""

Upload = tuple[str, bytes]
"""A file's name and content."""


@dataclass(slots=True, eq=False)
class Incoming:
    """A file on its way to the session.

    Attributes:
        key: sha256 of its content; empty until it was read.
        photo: None until it was read, and if it cannot be read.
        result: its feature map (K, h, w), or the error that stopped it; None until then.
    """

    name: str
    content: bytes
    key: str = ""
    photo: PagePhoto | None = None
    result: FloatArray | PhotoError | None = None

    def pixels(self, embedder: Embedder) -> ByteArray:
        """Read the photo; what the network needs of it: (size, size, 3) uint8.

        Raises:
            PhotoError: it cannot be read.
        """
        self.key = self.key or hashlib.sha256(self.content).hexdigest()
        with reading(self.name, self.content, key=self.key, side=embedder.draft_side) as (photo, image):
            self.photo = self.photo or photo
            return embedder.resized(image)


class PhotoStream:
    """Reads and tags files on a thread of its own, until none waits.

    Attributes:
        model: what tags them.
        ready: those that are done, in their order; at the end None, or the error that ended it all.
    """

    def __init__(self, model: LoadedModel, waiting: deque[Incoming]) -> None:
        self.model = model
        self.ready: SimpleQueue[Incoming | Exception | None] = SimpleQueue()
        self._waiting, self._stopped = waiting, False
        threading.Thread(target=self._work, name="uploads", daemon=True).start()

    def stop(self) -> None:
        """Take no more files; those that were begun become ready."""
        self._stopped = True

    def _work(self) -> None:
        files = self._taken()
        try:
            for some in (itertools.islice(files, 1), files):  # the tags of the first one wait for no others
                for incoming, result in self.model.feature_maps(some, Incoming.pixels):
                    incoming.result = result
                    self.ready.put(incoming)
        except Exception as error:  # raised again where the visitor sees it
            self.ready.put(error)
        else:
            self.ready.put(None)

    def _taken(self) -> Iterator[Incoming]:
        while not self._stopped:
            try:
                yield self._waiting.popleft()
            except IndexError:
                return


@dataclass(slots=True)
class UploadQueue:
    """The files that are to be read for a session, and what became of those before.

    Attributes:
        left: how many are to do.
        done: how many were done since there was nothing to do.
        begun: when the first of them was begun, in seconds of the clock.
        problems: a line for each file that cannot be used, and one for all that were too many.
    """

    left: int = 0
    done: int = 0
    begun: float = 0.0
    problems: list[str] = field(default_factory=list)
    _waiting: deque[Incoming] = field(default_factory=deque)
    _stream: PhotoStream | None = None
    _opens: bool = False  # whether the next photo is shown: the first good one of those that were dropped together

    def put(self, uploads: Iterable[Upload]) -> None:
        """Add files at the end."""
        self._opens = self._opens or not self.left
        self._add(Incoming(name, content) for name, content in uploads)

    def work(self, session: SessionPhotos, model: LoadedModel, *, wait: float = 0.0) -> bool:
        """Give the session what is ready, and go on in the background; return whether all photos are read and tagged.

        Args:
            wait: seconds to wait where nothing is ready.

        Raises:
            ModelFolderError: the network cannot run.
        """
        if self._stream is not None and self._stream.model is not model:
            self._stream.stop()
        if self._stream is None:
            self._add(
                Incoming(photo.name, photo.content, photo.key, photo)
                for photo in session.photos.values()
                if not session.is_analysed(photo, model)
            )
            if self.left:
                self.begun = self.begun if self.done else time.monotonic()
                self._stream = PhotoStream(model, self._waiting)
        if self._stream is not None:
            self._collect(self._stream, session, wait)
        is_done = not self.left and all(session.is_analysed(photo, model) for photo in session.photos.values())
        if is_done and self._stream is None:
            self.done = 0
        return is_done and self._stream is None

    def cancel(self) -> None:
        """Leave out all files that were not begun yet."""
        while self._waiting:
            with contextlib.suppress(IndexError):  # begun meanwhile
                self._waiting.pop()
                self.left -= 1

    def drop(self) -> int:
        """Leave out all files, also those that were begun; return how many they are."""
        if self._stream is not None:
            self._stream.stop()
        dropped, self.left, self._stream, self._waiting = self.left, 0, None, deque()
        return dropped

    def _add(self, incoming: Iterable[Incoming]) -> None:
        added = list(incoming)
        self.left += len(added)
        self._waiting.extend(added)

    def _collect(self, stream: PhotoStream, session: SessionPhotos, wait: float) -> None:
        while self._stream is stream:
            try:
                ready = stream.ready.get(timeout=wait) if wait > 0 else stream.ready.get_nowait()
            except Empty:
                return
            if isinstance(ready, Incoming):
                self._take(ready, stream.model, session)
                wait = 0.0 if self.left else END
            else:
                self._stream = None
            if isinstance(ready, Exception):
                self.drop()
                raise ready

    def _take(self, incoming: Incoming, model: LoadedModel, session: SessionPhotos) -> None:
        self.left -= 1
        self.done += 1
        photo, result = incoming.photo, incoming.result
        if photo is None or result is None or isinstance(result, PhotoError):
            if incoming.key in session.photos:
                session.remove(session.photos[incoming.key])
            self.problems.append(str(result))
        elif limit := session.limit(photo.key, len(photo.content)):
            self._leave_out(incoming.name, limit)
        else:
            session.put(photo, result, model)
            if self._opens:
                session.chosen, self._opens = photo.key, False

    def _leave_out(self, name: str, limit: str) -> None:
        """One line for this photo and all behind it, which would not fit either."""
        more = self.drop()
        count = f"{name} and {more} more photos were" if more > 1 else f"{name} and one more photo were"
        self.problems.append(f"{count if more else f'{name} was'} left out: {limit}")


def progress_line(done: int, left: int, seconds: float) -> str:
    """How far it is, and how fast.

    >>> progress_line(30, 30, 5.0)
    '30 of 60 photos, 6.0 a second'
    """
    rate = f", {done / seconds:.1f} a second" if done and seconds > 0 else ""
    return f"{done} of {done + left} photos{rate}"

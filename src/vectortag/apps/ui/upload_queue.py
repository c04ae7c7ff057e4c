"""Photos that were dropped and are still to be read: they are taken one by one, so that the first tags come at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos
from vectortag.core.errors import PhotoError

Upload = tuple[str, bytes]
"""A file's name and content."""


@dataclass(slots=True)
class UploadQueue:
    """The photos that wait, and what became of those before.

    Attributes:
        waiting: to be read.
        done: photos since there was nothing to do.
        begun: when the first of them was taken, in seconds of the clock; 0 if there is nothing to do.
        problems: a line for each photo that cannot be used, and one for all that were too many.
        opens: whether the next photo is shown when it was read: the first of those that were dropped together.
    """

    waiting: deque[Upload] = field(default_factory=deque)
    done: int = 0
    begun: float = 0.0
    problems: list[str] = field(default_factory=list)
    opens: bool = False

    def put(self, uploads: Iterable[Upload]) -> None:
        """Add photos at the end."""
        self.opens = self.opens or not self.waiting
        self.waiting.extend(uploads)

    def left(self, session: SessionPhotos, model: LoadedModel) -> int:
        """How many are to do: those to be read, and those that this model has not seen."""
        return len(self.waiting) + len(_unseen(session, model))

    def take(self, session: SessionPhotos, model: LoadedModel) -> None:
        """Read one photo, or have the model look at one that it has not seen."""
        self.begun = self.begun or time.monotonic()
        self.done += 1
        if unseen := _unseen(session, model):
            self._analyse(unseen[0], session, model)
        elif self.waiting:
            self._read(session, model)

    def cancel(self) -> None:
        """Leave out all that were not read yet."""
        self.waiting.clear()

    def finish(self) -> None:
        """Note that there is nothing to do, so that the next photos are counted from 0."""
        self.done, self.begun = 0, 0.0

    def _read(self, session: SessionPhotos, model: LoadedModel) -> None:
        name, content = self.waiting.popleft()
        if limit := session.limit(content):
            self._leave_out(name, limit)
            return
        try:
            photo = session.add(name, content)
        except PhotoError as error:
            self.problems.append(str(error))
        else:
            self._analyse(photo, session, model)
            if self.opens and photo.key in session.photos:
                session.chosen, self.opens = photo.key, False

    def _leave_out(self, name: str, limit: str) -> None:
        """One line for this photo and all behind it, which would not fit either."""
        more = len(self.waiting)
        self.waiting.clear()
        count = f"{name} and {more} more photos were" if more > 1 else f"{name} and one more photo were"
        self.problems.append(f"{count if more else f'{name} was'} left out: {limit}")

    def _analyse(self, photo: PagePhoto, session: SessionPhotos, model: LoadedModel) -> None:
        if session.is_analysed(photo, model):
            return
        try:
            session.analyse(photo, model)
        except PhotoError as error:
            session.remove(photo)
            self.problems.append(f"{photo.name}: {error}")


def _unseen(session: SessionPhotos, model: LoadedModel) -> list[PagePhoto]:
    return [photo for photo in list(session.photos.values()) if not session.is_analysed(photo, model)]


def progress_line(done: int, left: int, seconds: float) -> str:
    """How far it is, and how fast.

    >>> progress_line(30, 30, 5.0)
    '30 of 60 photos, 6.0 a second'
    """
    rate = f", {done / seconds:.1f} a second" if done and seconds > 0 else ""
    return f"{done} of {done + left} photos{rate}"

"""The photos of visitors who may come back: a tab that is loaded again shows them again. In memory, for one hour.

A visit has a name, which stands in the page's address, and a visitor, whom a cookie names. Only both together open it,
so a copied link never shows another person's photos.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field, replace

from vectortag.apps.ui.session_photos import SessionPhotos

COOKIE = "vectortag_visitor"
HOUR = 3600.0
MOST_VISITS = 16
MOST_BYTES = 800_000_000
"""Of photos that are kept for all visits together."""


def random_name() -> str:
    """A name that nobody can guess."""
    return secrets.token_urlsafe(16)


@dataclass(slots=True)
class _Visit:
    photos: SessionPhotos
    used: float


@dataclass(slots=True)
class Visits:
    """Args:

    age: seconds after which a visit that nobody used is forgotten.
    """

    age: float = HOUR
    _kept: dict[tuple[str, str], _Visit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def keep(self, visitor: str, name: str, photos: SessionPhotos, *, now: float | None = None) -> None:
        """Keep the photos of a visit, and forget the visits that were not used for longest, where there are too many.

        Args:
            now: in seconds; None is the clock.
        """
        moment = time.monotonic() if now is None else now
        with self._lock:
            self._kept.pop((visitor, name), None)
            self._kept[visitor, name] = _Visit(photos, moment)
            self._forget(moment)
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self.age + 1, self.forget_old)  # where nobody comes meanwhile
            self._timer.daemon = True
            self._timer.start()

    def find(self, visitor: str | None, name: str | None, *, now: float | None = None) -> SessionPhotos | None:
        """A copy of a visit's photos; None if this visitor has no such visit."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            self._forget(moment)
            visit = self._kept.get((visitor or "", name or ""))
            return None if visit is None else copy_of(visit.photos)

    def forget_old(self, *, now: float | None = None) -> int:
        """Forget the visits that are too old; returns how many are kept."""
        with self._lock:
            self._forget(time.monotonic() if now is None else now)
            return len(self._kept)

    def _forget(self, now: float) -> None:
        for key, visit in list(self._kept.items()):  # the one that was not used for longest is first
            together = sum(_bytes(one.photos) for one in self._kept.values())
            too_many = len(self._kept) > MOST_VISITS or (together > MOST_BYTES and len(self._kept) > 1)
            if now - visit.used > self.age or too_many:
                del self._kept[key]


def _bytes(photos: SessionPhotos) -> int:
    return sum(len(photo.content) for photo in list(photos.photos.values()))


def copy_of(photos: SessionPhotos) -> SessionPhotos:
    """The same photos, for a session of its own."""
    return replace(
        photos,
        photos=dict(photos.photos),
        feature_maps=dict(photos.feature_maps),
        fine_maps=dict(photos.fine_maps),
        layers=dict(photos.layers),
    )

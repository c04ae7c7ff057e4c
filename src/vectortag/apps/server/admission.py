"""Which requests are admitted: the photos and bytes of all requests in progress."""

from __future__ import annotations

from types import TracebackType

from vectortag.apps.server.limits import Limits
from vectortag.apps.server.problems import Problem
from vectortag.runtime.decoding.memory import Budget


class Admission:
    """Counts the photos and bytes in progress. Used only from the event loop, so it needs no lock.

    `decoding` is the memory of the photos that are being decoded, in threads: what their headers foresee.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.photos = 0
        self.bytes = 0
        self.decoding = Budget(limits.memory, elsewhere=lambda: self.bytes)

    @property
    def full(self) -> bool:
        """Whether another photo would be refused."""
        return self.photos >= self.limits.queue

    def ticket(self) -> Ticket:
        """Start a request; refused at once if the queue is full.

        Raises:
            Problem: 503.
        """
        if self.full:
            raise busy()
        return Ticket(self)


class Ticket:
    """The photos and bytes of one request; leaving the `with` block releases them."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._photos = 0
        self._bytes = 0

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.photos -= self._photos
        self._admission.bytes -= self._bytes

    def add_bytes(self, count: int) -> None:
        """Reserve bytes.

        Raises:
            Problem: 503, the memory limit is reached.
        """
        taken = self._admission.bytes + self._admission.decoding.used
        if taken + count > self._admission.limits.memory:
            raise busy()
        self._admission.bytes += count
        self._bytes += count

    def add_photo(self) -> None:
        """Reserve a place in the queue for one photo.

        Raises:
            Problem: 503, the queue is full.
        """
        if self._admission.full:
            raise busy()
        self._admission.photos += 1
        self._photos += 1


def busy() -> Problem:
    """503: the queue or the memory limit is reached."""
    detail = "The service is busy: its queue is full. Try again later"
    return Problem(503, "busy", detail, headers={"Retry-After": "1"})

"""What the service takes on: limits of a request, and of everything that it has in hand at one time."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from vectortag.apps.server.problems import Problem

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused, and when.

    Attributes:
        file_bytes, request_bytes: of one photo, and of a whole request's body.
        files: photos in one request.
        pixels: a photo that declares more is refused before it is decoded.
        queue: photos in hand at one time: read, and not answered yet.
        memory: bytes of all photos in hand, those that are still being read included.
        seconds: for reading a request, and again for answering it.
        silence: seconds that a client may pause while its request is read.
    """

    file_bytes: int = 32 * MIB
    request_bytes: int = 128 * MIB
    files: int = 64
    pixels: int = 100_000_000
    queue: int = 256
    memory: int = 512 * MIB
    seconds: float = 30
    silence: float = 5


class Admission:
    """Counts what is in hand. Used from the event loop alone, so it needs no lock."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.photos = 0
        self.bytes = 0

    @property
    def full(self) -> bool:
        """Whether one photo more would be refused."""
        return self.photos >= self.limits.queue

    def ticket(self) -> Ticket:
        """Open a request; refused at once where the queue is full.

        Raises:
            Problem: 503.
        """
        if self.full:
            raise busy()
        return Ticket(self)


class Ticket:
    """What one request has in hand; all of it is given back at the end."""

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
        """Take that many bytes more.

        Raises:
            Problem: 503, there is no room for them.
        """
        if self._admission.bytes + count > self._admission.limits.memory:
            raise busy()
        self._admission.bytes += count
        self._bytes += count

    def add_photo(self) -> None:
        """Take one photo more.

        Raises:
            Problem: 503, the queue is full.
        """
        if self._admission.full:
            raise busy()
        self._admission.photos += 1
        self._photos += 1


def busy() -> Problem:
    """503: there is more to do than the queue holds."""
    detail = "The service has as many photos in hand as it takes. Ask again a little later"
    return Problem(503, "busy", detail, headers={"Retry-After": "1"})

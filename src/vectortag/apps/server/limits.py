"""The limits of one request, and of all requests in progress together."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from vectortag.apps.server.problems import Problem
from vectortag.runtime.decoding.memory import Budget

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the service, with their defaults. The options of `serve` repeat them; a test compares both.

    Attributes:
        file_bytes, request_bytes: size of one photo, and of the whole body of a request.
        files: photos in one request.
        pixels: of one photo; a larger one is refused before it is decoded.
        queue: photos in progress: received, and not answered yet.
        memory: bytes of all photos in progress, including those still being received, and of decoding them.
        seconds: to receive a request, and again to answer it.
        silence: seconds without a byte after which a client is too slow.
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

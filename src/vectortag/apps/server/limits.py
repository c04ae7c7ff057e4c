"""The limits of the service, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one request, and of all requests in progress together.

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

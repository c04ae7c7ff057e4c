"""A tar file, written from front to back, whose bytes depend on nothing but its members."""

from __future__ import annotations

import hashlib
import tarfile
from typing import BinaryIO

BLOCK = tarfile.BLOCKSIZE
"""Bytes of a member's header, and what members are padded to."""


class TarWriter:
    """Writes members without owner and time, so that equal content gives equal bytes.

    Attributes:
        end: bytes so far.
        digest: their SHA-256.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.end, self.digest = file, 0, hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        """Add a member."""
        info = tarfile.TarInfo(name)
        info.size = len(content)
        self._put(info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % BLOCK))

    def close(self) -> None:
        """Write the end of the archive: two empty blocks, filled up as tar does."""
        self._put(bytes(2 * BLOCK + -(self.end + 2 * BLOCK) % tarfile.RECORDSIZE))

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self.digest.update(content)
        self.end += len(content)

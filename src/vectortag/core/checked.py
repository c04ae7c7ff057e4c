"""Files of a cache that end in a hash of what is before: what a disk, a copy or a crash has changed is not used.

The hash is no seal against people: whoever may write into a user's cache may write a right hash, too.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from vectortag.core.files import open_regular
from vectortag.core.writing import replace_file

HASH_SIZE = hashlib.sha256().digest_size
BLOCK = 1 << 20


def with_hash(content: bytes) -> bytes:
    """The content with its hash behind it."""
    return content + hashlib.sha256(content).digest()


def without_hash(content: bytes) -> bytes | None:
    """What `with_hash` was given; None where it is not as it was."""
    inside = content[:-HASH_SIZE]
    return inside if is_hash_of(content[-HASH_SIZE:], inside) else None


def is_hash_of(digest: bytes, content: bytes | memoryview) -> bool:
    """Whether this is the content's hash."""
    return hashlib.sha256(content).digest() == digest


def write_checked(file: Path, content: bytes) -> None:
    """Write a file with its hash at its end; fails as `replace_file`."""
    replace_file(file, with_hash(content))


def append_hash(file: Path) -> None:
    """Put the hash of a file at its end; for a file that was not written at once.

    Raises:
        OSError: it cannot be written.
    """
    with file.open("r+b") as opened:
        digest = hashlib.file_digest(opened, "sha256").digest()
        opened.seek(0, os.SEEK_END)
        opened.write(digest)


def is_whole(file: Path) -> bool:
    """Whether a file ends in the hash of what is before; False where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open_regular(file) as opened:
            left = os.fstat(opened.fileno()).st_size - HASH_SIZE
            while left > 0 and (block := opened.read(min(left, BLOCK))):
                digest.update(block)
                left -= len(block)
            return opened.read() == digest.digest()
    except OSError:
        return False

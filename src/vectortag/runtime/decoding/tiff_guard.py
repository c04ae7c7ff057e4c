"""What is done before a TIFF is opened: its directory is checked, and libtiff is told to print nothing."""

from __future__ import annotations

import ctypes
import functools
import re
import struct
from pathlib import Path
from typing import IO

from PIL import Image

from vectortag.core.errors import PhotoError

STRIPS, TILES = 273, 324

MOST_PARTS = 200_000
"""Strips or tiles. Pillow and libtiff handle each of them alone, which takes 10 microseconds."""
MOST_TAG_BYTES = 64_000_000

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value, by the type of a tag."""


def check_directory(file: IO[bytes]) -> None:
    """Refuse a TIFF whose directory is a burden of its own, before Pillow reads it.

    Raises:
        PhotoError: it has too many strips, tiles or values.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"\x2b\0", b"\0\x2b")
    if len(head) < 16:
        return
    start = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])[0]
    file.seek(start)
    count_of_tags = file.read(8 if big else 2)
    if len(count_of_tags) < (8 if big else 2):
        return
    entries = min(struct.unpack(order + ("Q" if big else "H"), count_of_tags)[0], 0xFFFF)
    entry = struct.Struct(order + ("HHQQ" if big else "HHII"))
    values = file.read(entries * entry.size)
    total = 0
    for tag, kind, count, _ in entry.iter_unpack(values[: len(values) // entry.size * entry.size]):
        if tag in (STRIPS, TILES) and count > MOST_PARTS:
            raise PhotoError(f"its picture is in {count:,} parts, more than the limit of {MOST_PARTS:,}")
        total += count * SIZES.get(kind, 0)
    if total > MOST_TAG_BYTES:
        raise PhotoError(f"its tags have {total:,} bytes, more than the limit of {MOST_TAG_BYTES:,}")


@functools.cache
def silence_libtiff() -> None:
    """Keep Pillow's libtiff from printing: it does not know the photo's name, and Pillow raises an error anyway.

    Only where Pillow's copy of the library can be found: not on Windows, where it is linked into Pillow.
    """
    for library in _libtiffs():
        try:
            loaded = ctypes.CDLL(library)
            for setter in (loaded.TIFFSetErrorHandler, loaded.TIFFSetWarningHandler):
                setter.restype = ctypes.c_void_p
                setter(None)
        except (OSError, AttributeError):
            continue


def _libtiffs() -> list[str]:
    """The copies of libtiff that this process has loaded, or that lie beside Pillow."""
    try:
        maps = Path("/proc/self/maps").read_text("utf-8", "surrogateescape")
    except OSError:
        package = Path(Image.__file__).parent
        return [
            str(found)
            for folder in (package / ".dylibs", package.parent / "pillow.libs")
            for found in folder.glob("libtiff*")
        ]
    return sorted(set(re.findall(r"\S*/libtiff[-.]\S*", maps)))

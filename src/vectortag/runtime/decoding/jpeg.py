"""JPEGs that lack their end mark: whole pictures nearly always, which every viewer shows.

A telephone that crashed and a card that was recovered leave such files. Whether only the mark is missing is found out
by decoding again with other endings: they show the same picture where all of it was there before them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import IO

from PIL import Image

from vectortag.core.errors import PhotoError

END = b"\xff\xd9"


def _waiting(data: bytes) -> bytes:
    """The end mark behind data, and behind data after each restart mark: a decoder that waits for the next part of a
    scan passes over all else."""
    return data + b"".join(bytes((0xFF, 0xD0 + number)) + data for number in range(8)) * 4 + END


OTHER_ENDS = (_waiting(bytes(range(1, 251)) * 4), _waiting(bytes(range(250, 0, -1)) * 4))
"""Endings that mean something to a decoder that still waits for data. The second is for small pictures, in which one
block counts: the first may mean the same to it as no data at all."""
SMALL = 1_000_000
"""Pixels."""

SCAN, PROGRESSIVE = 0xDA, 0xC2
FRAMES = frozenset({0xC0, 0xC1, PROGRESSIVE})
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""A marker within the data of a scan, where 0xFF is followed by 0 or by a restart mark."""

MAY_BE_DATA = re.compile(rb"(?:\xff?\x00){0,3}")
"""Zeros, and 0xFF as it stands in the data of a scan."""
ZEROS = 16
"""Zeros at the end of a file that make one look whether the picture ended before them."""

MOST_EXIF_BLOCKS = 32
"""Segments of one Exif block. Pillow joins them one by one, so that the time grows with the square of their number."""
MOST_PHOTOSHOP_BLOCKS = 256
"""Segments of Photoshop's resources. Pillow reads every resource in Python, and may find 5,000 in a segment."""
SCANS = 5
"""Scans of a progressive JPEG with the most pixels; more where it has less, since each goes over the whole picture."""


def complete(file: IO[bytes], decode: Callable[[bytes], Image.Image]) -> Image.Image:
    """The picture of a JPEG that has no end mark.

    Args:
        decode: the content of a file to its picture.

    Raises:
        PhotoError: more than the mark is missing.
        Exception: what `decode` raises.
    """
    file.seek(0)
    body = without_end(file.read())
    if not _has_every_scan(body):
        raise PhotoError("broken photo: image file is truncated: parts of the picture are missing")
    picture = decode(body + END)
    endings = OTHER_ENDS if picture.width * picture.height <= SMALL else OTHER_ENDS[:1]
    if any(picture.tobytes() != decode(body + ending).tobytes() for ending in endings):
        raise PhotoError("broken photo: image file is truncated: a part of the picture is missing")
    return picture


def without_end(content: bytes) -> bytes:
    r"""The content without half an end mark, and without the zeros or ones that a card holds behind it.

    Three bytes of them stay where they may be data: more than belongs to a picture does it no harm.

    >>> without_end(b"data\xff\0\0\0\0"), without_end(b"data\xff"), without_end(b"data\xff\xff\xff")
    (b'data\xff\x00\x00\x00', b'data', b'data')
    """
    body = content.rstrip(b"\0\xff")
    kept = MAY_BE_DATA.match(content, len(body))
    return body + (kept[0] if kept else b"")


def lacks_end(file: IO[bytes]) -> bool:
    """Whether zeros stand where the data of a JPEG should end: a decoder would take them for the rest of the picture.

    Only what ends in zeros is looked at more closely, since nearly no photo does.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - ZEROS))
    if file.read(ZEROS).strip(b"\0"):
        return False
    start = next((position for kind, position, _ in _segments(file) if kind == SCAN), None)
    if start is None:
        return False
    file.seek(start)
    return END not in file.read()


def check_metadata(file: IO[bytes]) -> None:
    """Refuse a JPEG whose metadata is a burden of its own, before Pillow reads it.

    Raises:
        PhotoError: it has too many parts.
    """
    exif = photoshop = 0
    for kind, _, start in _segments(file):
        exif += kind == 0xE1 and start == b"Exif\0\0"
        photoshop += kind == 0xED
        if exif > MOST_EXIF_BLOCKS:
            raise PhotoError(f"its Exif data is in more than {MOST_EXIF_BLOCKS} parts")
        if photoshop > MOST_PHOTOSHOP_BLOCKS:
            raise PhotoError(f"its Photoshop data is in more than {MOST_PHOTOSHOP_BLOCKS} parts")


def held_share(file: IO[bytes], *, most_pixels: int) -> float:
    """What a decoder holds of a JPEG while it reads its scans: samples a pixel; 0 where there is one scan.

    Args:
        most_pixels: pixels times scans.

    Raises:
        PhotoError: it has more of them.
    """
    frame, progressive = b"", False
    for kind, position, _ in _segments(file):
        if kind not in FRAMES and kind != SCAN:
            continue
        file.seek(position + 2)
        segment = file.read(int.from_bytes(file.read(2)) - 2)
        if kind in FRAMES:
            frame, progressive = segment, kind == PROGRESSIVE
        elif len(frame) > 8 and (progressive or segment[0] < frame[5]):
            pixels = int.from_bytes(frame[1:3]) * int.from_bytes(frame[3:5])
            scans = 1 + _scans(file, most_pixels // max(1, pixels))
            if pixels * scans > most_pixels:
                raise PhotoError(f"{pixels:,} pixels in {scans} scans or more take too long")
            across, down = [factor >> 4 for factor in frame[7::3]], [factor & 15 for factor in frame[7::3]]
            return sum(a * d for a, d in zip(across, down, strict=True)) / max(1, max(across) * max(down))
    return 0.0


def _segments(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """The segments up to the first scan: marker, position and the first six bytes of each."""
    position = 2
    while True:
        file.seek(position)
        head = file.read(10)
        if len(head) < 4 or head[0] != 0xFF:
            return
        if head[1] == 0xFF or head[1] in STANDALONE:
            position += 1 if head[1] == 0xFF else 2
            continue
        yield head[1], position, head[4:]
        if head[1] == SCAN:
            return
        position += 2 + int.from_bytes(head[2:4])


def _scans(file: IO[bytes], enough: int) -> int:
    """How many scans follow; counted until there are more than `enough`."""
    found, last = 0, b""
    while found <= enough and (block := file.read(1 << 20)):
        found += (last + block).count(b"\xff\xda")
        last = block[-1:]
    return found


def _has_every_scan(body: bytes) -> bool:
    """Whether each component comes in a scan; in a progressive JPEG, all its frequencies to their last bit."""
    wanted: set[tuple[int, int]] = set()
    position, progressive = 2, False
    while (marker := _next_marker(body, position)) is not None:
        kind, start = marker
        if kind in STANDALONE:
            position = start
            continue
        segment = body[start + 2 : start + int.from_bytes(body[start : start + 2])]
        if kind in FRAMES and len(segment) > 5:
            progressive = kind == PROGRESSIVE
            components = segment[6 : 6 + 3 * segment[5] : 3]
            wanted = {(component, k) for component in components for k in (range(64) if progressive else (0,))}
        elif kind == SCAN and segment:
            wanted -= set(_brought(segment, progressive=progressive))
        position = start + 2 + len(segment)
    return not wanted


def _brought(segment: bytes, *, progressive: bool) -> list[tuple[int, int]]:
    """The frequencies that a scan brings to their last bit, by component."""
    count = segment[0]
    components, selection = segment[1 : 1 + 2 * count : 2], segment[1 + 2 * count : 4 + 2 * count]
    if not progressive or len(selection) < 3:
        return [(component, 0) for component in components]
    first, last, bits = selection
    return [(component, k) for component in components for k in range(first, last + 1)] if bits & 15 == 0 else []


def _next_marker(body: bytes, position: int) -> tuple[int, int] | None:
    """The next marker from a position on, and where its segment starts."""
    found = MARKER.search(body, position)
    return None if found is None else (found[1][0], found.end())

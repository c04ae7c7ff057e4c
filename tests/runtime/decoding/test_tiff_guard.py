"""The directory of a TIFF is checked before Pillow reads it."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.tiff_guard import MOST_PARTS, MOST_TAG_BYTES, STRIPS, TILES, check_directory

ASCII, LONG = 2, 4


def tiff(*entries: tuple[int, int, int], order: str = "<", big: bool = False) -> io.BytesIO:
    """The start of a TIFF with tags of these numbers, types and counts."""
    mark, version = (b"II" if order == "<" else b"MM"), (43 if big else 42)
    if big:
        head = mark + struct.pack(order + "HHHQ", version, 8, 0, 16) + struct.pack(order + "Q", len(entries))
        rows = [struct.pack(order + "HHQQ", *entry, 0) for entry in entries]
    else:
        head = mark + struct.pack(order + "HI", version, 8) + struct.pack(order + "H", len(entries))
        rows = [struct.pack(order + "HHII", *entry, 0) for entry in entries]
    return io.BytesIO(head + b"".join(rows) + bytes(8))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tag", [STRIPS, TILES])
def test_too_many_strips_or_tiles_are_refused(order: str, big: bool, tag: int):
    check_directory(tiff((tag, LONG, MOST_PARTS), order=order, big=big))

    with pytest.raises(PhotoError, match="in 200,001 parts, more than the limit of 200,000"):
        check_directory(tiff((tag, LONG, MOST_PARTS + 1), order=order, big=big))


def test_tags_together_may_not_be_larger_than_a_limit():
    half = MOST_TAG_BYTES // 2
    check_directory(tiff((270, ASCII, half), (305, ASCII, half)))

    with pytest.raises(PhotoError, match="its tags have 64,000,001 bytes"):
        check_directory(tiff((270, ASCII, half), (305, ASCII, half), (306, ASCII, 1)))


def test_a_directory_that_is_cut_off_is_left_to_the_decoder():
    whole = tiff((STRIPS, LONG, MOST_PARTS + 1)).getvalue()

    for length in range(len(whole) - 8):
        check_directory(io.BytesIO(whole[:length]))


def test_a_real_picture_passes():
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "TIFF")

    check_directory(stream)

"""What decoding a photo will cost, foreseen from its header, and the memory that all photos share."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import IO

from PIL import ImageFile

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.foreign import ForeignImage

MEMORY = 720_000_000
"""Bytes for the photos that are decoded at the same time: with a model loaded, the process stays below a gigabyte."""

BYTES_PER_PIXEL = 16
"""At most, for a photo of any format: what a higher limit of pixels allows it to take."""

DEFAULT_PIXELS = 200_000_000

SMALL = 32_000_000
"""Bytes that every photo may take, however small the budget is."""

STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes a pixel of Pillow's modes; of all others, four."""

BESIDE = {"WEBP": 12, "AVIF": 12, "HEIF": 8, "GIF": 1}
"""Bytes a pixel that a decoder takes beside Pillow's picture."""

PER_ROW = 48
"""Bytes a row and a column: its address, and its weights when the picture is resized."""


LARGEST_FILE = 400_000_000
"""Bytes of a file that a decoder, or VectorTag, may hold whole: of all formats but BMP, RAW, video and plain TIFF."""


def check_file_size(file: IO[bytes], name: str) -> None:
    """Refuse a file that would fill the memory. One with holes takes no room on a disk, whatever its size.

    Raises:
        PhotoError: it is larger than LARGEST_FILE.
    """
    if file.seek(0, io.SEEK_END) > LARGEST_FILE:
        raise PhotoError(f"a {name} file of more than {LARGEST_FILE / 1e6:,.0f} MB is not read")


class Budget:
    """Memory that several threads share: who finds too little of it waits."""

    def __init__(self, capacity: int = MEMORY, *, elsewhere: Callable[[], int] = lambda: 0) -> None:
        """`elsewhere` says how many bytes of `capacity` are taken by other things at the moment."""
        self.capacity, self.used = capacity, 0
        self._elsewhere = elsewhere
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Wait until `count` bytes are free, and hold them. What is larger than all of it is let in alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self.used or self.used + count + self._elsewhere() <= self.capacity)
            self.used += count
        try:
            yield
        finally:
            with self._changed:
                self.used -= count
                self._changed.notify_all()


SHARED = Budget()
"""Of this process, where nobody gives another."""


def foreseen_bytes(image: ImageFile.ImageFile, *, held: int, turned: bool) -> int:
    """The memory that decoding a photo to RGB takes at most.

    Args:
        image: its header has been read, and the scale of a JPEG been chosen.
        held: samples of two bytes that the decoder holds, whatever the scale.
        turned: whether it is turned upright afterwards, for which there is a second picture.
    """
    width, height = image.size
    stored = STORED.get(image.mode, 4)
    colours = 0 if image.mode == "RGB" and "transparency" not in image.info else 4
    per_pixel = stored + BESIDE.get(image.format or "", 0) + max(colours, 4 if turned else 0)
    return width * height * per_pixel + PER_ROW * (width + height) + 2 * held + _beside(image)


def _beside(image: ImageFile.ImageFile) -> int:
    """What a decoder of TIFF, or one of another library, holds beside the picture."""
    if isinstance(image, ForeignImage):
        return image.held
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 0
    layout = getattr(image, "layout", None)
    if layout is not None:  # the file, its copy and its rows of bytes
        return 2 * layout.row_bytes * layout.height * (layout.samples if layout.planar else 1)
    return _tiff_part(tags, image.size)


def _tiff_part(tags: object, size: tuple[int, int]) -> int:
    """The bytes of a strip or tile, which libtiff holds whole."""
    get = tags.get  # type: ignore[attr-defined]
    bits = get(258, 1)
    depth = (sum(bits) if isinstance(bits, tuple) else bits) / 8 + 1
    width, height = get(322, size[0]), get(323) or min(get(278, size[1]), size[1])
    return round(width * height * depth) if isinstance(width, int) and isinstance(height, int) else 0


def check_memory(count: int, most: int, image: ImageFile.ImageFile) -> None:
    """Refuse a photo that takes too much memory.

    Raises:
        PhotoError: it takes more than `most` bytes.
    """
    if count > most:
        width, height = image.size
        raise PhotoError(
            f"{width} x {height} pixels ({image.format}, {image.mode}) take {count / 1e6:,.0f} MB of memory, more than "
            f"the limit of {most / 1e6:,.0f} MB"
        )


def memory_for(max_pixels: int, budget: Budget) -> int:
    """The most memory that one photo may take: that of the budget, or what a higher limit of pixels needs."""
    asked_for = BYTES_PER_PIXEL * max_pixels if max_pixels > DEFAULT_PIXELS else 0
    return max(SMALL, budget.capacity, asked_for)

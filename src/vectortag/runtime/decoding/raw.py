"""Camera RAW: the JPEG that the camera put into it, or, where there is none, the sensor's data at half the size.

LibRaw (through rawpy) reads both. The JPEG is what the camera's own screen showed: it costs a twentieth of developing
the sensor's data, and looks as photos do that models are trained on.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from PIL import ExifTags, Image, ImageFile

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.foreign import ForeignImage
from vectortag.runtime.decoding.opened_files import descriptor_path
from vectortag.runtime.decoding.optional_kinds import OPTIONAL

STARTS = (b"FUJIFILM", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAP")
"""How RAW photos of Fujifilm, Olympus, Panasonic, Sigma, Minolta and older Canons begin."""
CANON_BRAND = b"crx "
"""The brand of Canon's CR3, which is an MP4 file."""
TIFF = (b"II*\0", b"MM\0*")
"""How a TIFF begins, and most RAW photos."""
CR2 = b"CR\x02"
"""What stands in a CR2 at byte 8."""

PHOTOMETRIC, SUB_DIRECTORIES, DNG_VERSION = 262, 330, 50706
SENSOR = frozenset({32803, 34892})
"""Photometric interpretations: a mosaic of colour filters, and data of a sensor that was put together already."""
MOST_DIRECTORIES, MOST_TAGS = 16, 512
"""Directories and tags that are looked at."""

LEAST_PREVIEW = 320
"""Pixels of the longer side. A smaller preview is that of the camera's list: the sensor's data is taken instead."""
MOST_FILE_BYTES = 1_000_000_000
ORIENTATIONS = (1, 2, 4, 3, 5, 8, 6, 7)
"""EXIF orientation by LibRaw's `flip`."""

DEVELOPED = 4
DEVELOPED_WITHOUT_MOSAIC = 24
"""Bytes a pixel of the sensor that developing takes beside the picture; the second where each pixel has three values,
and nothing is developed at half the size."""


def is_raw(file: IO[bytes], start: bytes) -> bool:
    """Whether a file is a RAW photo, by its first bytes and, in a TIFF, by its directories.

    Args:
        file: where its directories are read.
        start: at least its first 16 bytes.
    """
    if start.startswith(STARTS) or start[4:12] == b"ftyp" + CANON_BRAND:
        return True
    return start.startswith(TIFF) and (start[8:11] == CR2 or _has_sensor_data(file))


def _has_sensor_data(file: IO[bytes]) -> bool:
    return any(
        tag == DNG_VERSION or (tag == PHOTOMETRIC and value in SENSOR)
        for directory in _directories(file)
        for tag, _, value in directory
    )


def _is_without_mosaic(file: IO[bytes]) -> bool:
    return any(tag == PHOTOMETRIC and value == 34892 for directory in _directories(file) for tag, _, value in directory)


def _directories(file: IO[bytes]) -> Iterator[list[tuple[int, int, int]]]:
    """Of a TIFF: tag, number of values and first value of each entry, of its directories and those within them."""
    file.seek(0)
    head = file.read(8)
    if not head.startswith(TIFF) or len(head) < 8:
        return
    order = "<" if head[:2] == b"II" else ">"
    waiting: list[int] = [struct.unpack(order + "I", head[4:])[0]]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_DIRECTORIES:
        position = waiting.pop(0)
        if position in seen or not position:
            continue
        seen.add(position)
        entries, after = _directory(file, position, order)
        yield entries
        waiting += [start for tag, count, value in entries if tag == SUB_DIRECTORIES
                    for start in _longs(file, count, value, order)]  # fmt: skip
        waiting.append(after)


def _directory(file: IO[bytes], position: int, order: str) -> tuple[list[tuple[int, int, int]], int]:
    """The entries of a directory, and where the next one starts; 0 for none."""
    file.seek(position)
    count = file.read(2)
    if len(count) < 2:
        return [], 0
    number = min(struct.unpack(order + "H", count)[0], MOST_TAGS)
    content = file.read(12 * number + 4)
    entries = []
    for at in range(0, min(12 * number, len(content) - 11), 12):
        tag, kind, values = struct.unpack(order + "HHI", content[at : at + 8])
        form, size = ("H", 2) if kind == 3 else ("I", 4)
        entries.append((tag, values, struct.unpack(order + form, content[at + 8 : at + 8 + size])[0]))
    after = content[12 * number : 12 * number + 4]
    return entries, struct.unpack(order + "I", after)[0] if len(after) == 4 else 0


def _longs(file: IO[bytes], count: int, value: int, order: str) -> list[int]:
    if count == 1:
        return [value]
    file.seek(value)
    content = file.read(4 * min(count, MOST_DIRECTORIES))
    return [number for (number,) in struct.iter_unpack(order + "I", content[: len(content) // 4 * 4])]


def open_raw(file: IO[bytes], identify: Callable[[IO[bytes]], ImageFile.ImageFile]) -> ImageFile.ImageFile:
    """The picture of a RAW photo: its preview, or what will be developed.

    Args:
        file: the photo's file.
        identify: opens the preview, as `headers.identify`.

    Raises:
        PhotoError: it is broken, of a camera that LibRaw does not know, or the extra for it is not installed.
    """
    try:
        import rawpy
    except ImportError as error:
        raise OPTIONAL["raw"].is_missing() from error
    if file.seek(0, io.SEEK_END) > MOST_FILE_BYTES:
        raise PhotoError(f"a RAW photo of more than {MOST_FILE_BYTES / 1e6:,.0f} MB")
    linear = _is_without_mosaic(file)
    raw = rawpy.RawPy()
    try:
        _open(raw, file)
        sizes = raw.sizes
        preview = _preview(raw, identify)
    except (rawpy.LibRawError, OSError) as error:
        raw.close()
        raise PhotoError(f"broken photo, or of an unknown camera: {_message(error)}") from error
    if preview is not None:
        raw.close()
        return preview

    def decode() -> Image.Image:
        return _develop(raw)

    size = (sizes.raw_width, sizes.raw_height)
    held = (DEVELOPED_WITHOUT_MOSAIC if linear else DEVELOPED) * size[0] * size[1]
    return ForeignImage(file, form="RAW", mode="RGB", size=size, decode=decode, held=held)


def _open(raw: Any, file: IO[bytes]) -> None:
    """Let LibRaw read what it needs from the file itself; only a file in memory is given whole."""
    if path := descriptor_path(file):
        raw.open_file(path)
    else:
        file.seek(0)
        raw.open_buffer(file)


def _preview(raw: Any, identify: Callable[[IO[bytes]], ImageFile.ImageFile]) -> ImageFile.ImageFile | None:
    """The largest picture that the camera put into the file; None where it is too small, broken, or there is none."""
    import rawpy

    try:
        thumbnail = raw.extract_thumb()
        content = thumbnail.data if thumbnail.format == rawpy.ThumbFormat.JPEG else _as_png(thumbnail.data)
        image = identify(io.BytesIO(content))
        if max(image.size) < LEAST_PREVIEW:
            return None
        turned = orientation_of(image, raw.sizes)
        return image if turned == _own_orientation(image) else identify(io.BytesIO(with_orientation(content, turned)))
    except (rawpy.LibRawError, PhotoError, SyntaxError, OSError):
        return None


def _as_png(pixels: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
    return stream.getvalue()


def orientation_of(preview: Image.Image, sizes: Any) -> int:
    """The EXIF orientation of a preview: that of the RAW photo, if the preview was not turned already.

    Args:
        preview: its header has been read.
        sizes: LibRaw's: `width` and `height` of the sensor's picture, and its `flip`.
    """
    orientation = ORIENTATIONS[sizes.flip & 7] or 1
    if orientation == 1:
        return _own_orientation(preview)
    lies, shown = sizes.width > sizes.height, preview.width > preview.height
    return 1 if orientation > 4 and lies != shown else orientation


def _own_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF can raise almost anything, and takes nothing from the picture
        return 1


def with_orientation(content: bytes, orientation: int) -> bytes:
    """A JPEG or PNG with an EXIF block before all others that says how to turn it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    block = exif.tobytes()
    if content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            stream = io.BytesIO()
            image.save(stream, "PNG", compress_level=0, exif=block)
            return stream.getvalue()
    return content[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(block)) + block + content[2:]


def _develop(raw: Any) -> Image.Image:
    """The sensor's data as a picture, upright, at half the size where it has a mosaic of colours."""
    import rawpy

    try:
        with raw:
            return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8))
    except (rawpy.LibRawError, OSError) as error:
        raise PhotoError(f"broken photo, or of an unknown camera: {_message(error)}") from error


def _message(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)

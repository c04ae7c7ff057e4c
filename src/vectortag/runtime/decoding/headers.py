"""A photo's header: what a file is, found out without decoding it."""

from __future__ import annotations

import contextlib
import io
import struct
from typing import IO, Any, cast

from PIL import ImageFile

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding import jpeg, jpeg_xl, raw
from vectortag.runtime.decoding.memory import check_file_size
from vectortag.runtime.decoding.optional_kinds import OPTIONAL
from vectortag.runtime.decoding.photo_kinds import (
    FORMATS,
    HEIF,
    LONGEST_LEAD,
    UNSIGNED,
    is_video,
    jpeg_lead,
    plugin_of,
)

MOST_READS = 1_000_000
"""Pieces that a file is read in: chunks, segments, runs. Each is handled in Python, in a few microseconds."""


MOST_PROFILES = 32
"""Colour profiles of a PNG, which may have one. Pillow unpacks a megabyte for each, in two milliseconds."""


class _CountedReads:
    """A file that refuses to be read in too many pieces; for all else, the file itself."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._read, self._left = file, file.read, MOST_READS

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise PhotoError(f"the file is in more than {MOST_READS:,} pieces")
        return self._read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def identify(file: IO[bytes], *, videos: bool = False) -> ImageFile.ImageFile:
    """Read a photo's header: `Image.open`, without Pillow's own limit on pixels.

    That limit warns above 89 megapixels and refuses above 179, whatever `max_pixels` says (there are telephones that
    take 200), and can be moved only for the whole process. TIFF and WebP still ask for it inside their plugins.

    Args:
        file: the photo's file.
        videos: let ffmpeg take the first frame of a video; without it a video is an error.

    Raises:
        PhotoError: the file is of none of the formats, or of one whose decoder is not installed; or its header alone
            is a burden.
        SyntaxError: it is broken.
    """
    file = cast(IO[bytes], _CountedReads(file))
    start = file.read(LONGEST_LEAD + 16)
    if (opened := _by_another_library(file, start, videos=videos)) is not None:
        return opened
    reasons = []
    for name in FORMATS:
        factory, accepts = plugin_of(name)
        if not accepts(start[:16]):
            continue
        try:
            if name == "TIFF":
                return _tiff(file)
            if name not in UNSIGNED:
                check_file_size(file, name)
            if name == "JPEG":
                jpeg.check_metadata(file)
            if name == "PNG":
                _check_profiles(file)
            file.seek(0)
            return factory(file, "")
        except SyntaxError as error:
            if error.__cause__ is None:  # else the file ended too early, and Pillow did not see why
                reasons.append(str(error))
        except (IndexError, TypeError, struct.error):  # as in `Image.open`
            pass
    if lead := jpeg_lead(start):
        check_file_size(file, "JPEG")
        file.seek(lead)
        with contextlib.suppress(PhotoError):
            return identify(io.BytesIO(file.read()))
    if reasons:
        raise PhotoError(f"broken photo: {reasons[0]}")
    raise PhotoError(f"not a photo in a known format ({', '.join(FORMATS)}, HEIC, JPEG XL, RAW, video)")


def _check_profiles(file: IO[bytes]) -> None:
    """Refuse a PNG whose colour profiles are a burden, wherever: Pillow also reads what follows the picture."""
    file.seek(0)
    found, last = 0, b""
    while found <= MOST_PROFILES and (block := file.read(1 << 20)):
        found += (last + block).count(b"iCCP")
        last = block[-3:]
    if found > MOST_PROFILES:
        raise PhotoError(f"it has more than {MOST_PROFILES} colour profiles")


def _by_another_library(file: IO[bytes], start: bytes, *, videos: bool) -> ImageFile.ImageFile | None:
    """A photo that Pillow does not decode itself; None for all others. Each is looked for by its first bytes."""
    if raw.is_raw(file, start):
        return raw.open_raw(file, identify)
    if start.startswith((jpeg_xl.CODESTREAM, jpeg_xl.CONTAINER)):
        check_file_size(file, "JPEG XL")
        return jpeg_xl.open_jpeg_xl(file)
    if start[4:8] == b"ftyp" and start[8:12] in HEIF:
        check_file_size(file, "HEIC")
        return _heif(file)
    if is_video(start):
        if not videos:
            raise PhotoError("a video: it is read from a file, never from bytes. Name the file: vectortag tag FILE")
        from vectortag.runtime.decoding.video import open_video  # here, since most photos are none

        return open_video(file)
    return None


def _tiff(file: IO[bytes]) -> ImageFile.ImageFile:
    from vectortag.runtime.decoding.tiff import DeepTiff  # here, since most photos are none
    from vectortag.runtime.decoding.tiff_guard import check_directory, silence_libtiff

    silence_libtiff()
    check_directory(file)
    file.seek(0)
    return DeepTiff(file, "")


def _heif(file: IO[bytes]) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise OPTIONAL["heic"].is_missing() from error
    file.seek(0)
    return HeifImageFile(file, "")

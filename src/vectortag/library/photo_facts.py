"""What a photo says of itself: content, date, place, size, rating and its owner's keywords. Nothing is decoded."""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import io
import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import changed_ns, read_file
from vectortag.data.keywords import embedded_xmp, keywords_of, sidecars_of
from vectortag.data.xmp import LARGEST_PACKET, RATINGS, XmpError, rating_in
from vectortag.library.folders import new_hash
from vectortag.runtime.decoding.headers import identify
from vectortag.runtime.pixels import open_photo

TURNED = range(5, 9)
"""The EXIF orientations that swap width and height."""

RATING = 0x4746
"""The field of EXIF in which Windows keeps a rating."""

DATES = (
    (ExifTags.Base.DateTimeOriginal, True),
    (ExifTags.Base.DateTimeDigitized, True),
    (ExifTags.Base.DateTime, False),
)
"""The fields of EXIF with a date, the best first; and whether they are in the inner directory."""
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


PASSING = {
    *(errno.EAGAIN, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENOENT, errno.ENOMEM, errno.ENXIO),
    *(errno.EHOSTUNREACH, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT),
}
"""Errors of a drive that went away or a machine that is short of something. They say nothing of the photo, which is
tried again by the next update."""


class ChangedPhotoError(PhotoError):
    """A photo changed while it was read; the next update reads it again."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """Attributes:

    size, mtime_ns: of the file, before and after it was read.
    content: the hash of its bytes.
    taken: local time, "2024-07-31T18:00:05"; None if the photo does not say.
    place: latitude and longitude in degrees, north and east positive; or None.
    orientation: of EXIF, 1 to 8.
    width, height: in pixels, upright.
    rating: -1 (rejected) to 5; or None.
    keywords: of the person, as `vectortag.data.keywords` reads them.
    """

    size: int
    mtime_ns: int
    content: bytes
    taken: str | None
    place: tuple[float, float] | None
    orientation: int
    width: int
    height: int
    rating: int | None
    keywords: tuple[str, ...]


def read_facts(path: Path) -> PhotoFacts:
    """Read a photo's facts.

    Raises:
        ChangedPhotoError: it changed meanwhile.
        PhotoError: it cannot be read, or is no photo.
    """
    with open_photo(path) as file:
        before = os.fstat(file.fileno())
        content = hashlib.file_digest(file, new_hash).digest()
        file.seek(0)
        inside = _facts_inside(file)
    keywords, rating = read_notes(path)
    check_unchanged(path, before.st_size, changed_ns(before))
    facts = PhotoFacts(size=before.st_size, mtime_ns=changed_ns(before), content=content, keywords=keywords, **inside)
    return facts if rating is None else replace(facts, rating=rating)


def read_notes(path: Path) -> tuple[tuple[str, ...], int | None]:
    """A person's keywords, and the rating in a sidecar; a rating inside the photo is not looked for.

    A sidecar that cannot be read is named in a warning.
    """
    rating = None
    for sidecar in sidecars_of(path):
        with contextlib.suppress(OSError, XmpError):
            rating = rating_in(read_file(sidecar, most=LARGEST_PACKET))
        if rating is not None:
            break
    return keywords_of(path), rating


def will_pass(error: PhotoError) -> bool:
    """Whether an error says nothing of the photo: it changed, a drive went away, the machine is short of something."""
    cause = error.__cause__
    return isinstance(error, ChangedPhotoError) or (isinstance(cause, OSError) and cause.errno in PASSING)


def check_unchanged(path: Path, size: int, mtime_ns: int) -> None:
    """Refuse a file that is not as it was.

    Raises:
        ChangedPhotoError: size or time of change differ, or it is gone.
    """
    try:
        now = path.stat()
    except OSError as error:
        raise ChangedPhotoError(f"{escape_path(path)}: gone while it was read") from error
    if (now.st_size, changed_ns(now)) != (size, mtime_ns):
        raise ChangedPhotoError(f"{escape_path(path)}: changed while it was read")


def _facts_inside(file: io.BufferedReader) -> dict[str, Any]:
    with identify(file) as image:
        exif = exif_of(image)
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        orientation = orientation if orientation in range(1, 9) else 1
        width, height = image.size
        return {
            "taken": _date_in(exif),
            "place": _place_in(exif),
            "orientation": orientation,
            "width": height if orientation in TURNED else width,
            "height": width if orientation in TURNED else height,
            "rating": _rating_in(exif, image),
        }


def exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF data; empty where it is broken, and of a PNG where it is behind the pixels, which would be decoded."""
    if image.format != "PNG" or "exif" in image.info:
        with contextlib.suppress(Exception):  # broken EXIF can raise almost anything
            return image.getexif()
    return Image.Exif()


def inner_of(exif: Image.Exif, directory: int) -> dict[int, Any]:
    try:
        return exif.get_ifd(directory)
    except Exception:
        return {}


def _date_in(exif: Image.Exif) -> str | None:
    inner = inner_of(exif, ExifTags.IFD.Exif)
    for field, is_inner in DATES:
        found = _DATE.match(str((inner if is_inner else exif).get(field, "")).strip("\0 "))
        if found:
            with contextlib.suppress(ValueError):  # "0000:00:00 00:00:00": the camera did not know
                return datetime.datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*found.groups())).isoformat()
    return None


def _place_in(exif: Image.Exif) -> tuple[float, float] | None:
    """Degrees; None also for exactly (0, 0), which programs write where they know no place."""
    gps = inner_of(exif, ExifTags.IFD.GPSInfo)
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return (latitude, longitude) if latitude or longitude else None


def _degrees(parts: Any, side: Any, negative: str) -> float | None:
    try:
        degrees, minutes, seconds = map(float, parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        return None
    return round(-value if str(side).strip("\0 ").upper() == negative else value, 7)


def _rating_in(exif: Image.Exif, image: Image.Image) -> int | None:
    with contextlib.suppress(XmpError):
        packet = embedded_xmp(image)
        if packet.strip(b"\x00 \t\r\n") and (rating := rating_in(packet)) is not None:
            return rating
    rating = exif.get(RATING)
    return rating if isinstance(rating, int) and rating in RATINGS else None

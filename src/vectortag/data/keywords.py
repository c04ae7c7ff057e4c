"""Photos whose tags are keywords: in an XMP sidecar beside the photo, or inside it as XMP, IPTC or XPKeywords.

A sidecar that holds keywords is believed alone, as the programs that write one do; without such a sidecar the photo's
own XMP counts, IPTC where that has none, and XPKeywords, which Windows writes, where there is neither. Every level of a
keyword's path is a word: `Animals|Dog` is animals and dog.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFile, IptcImagePlugin

from vectortag.core.errors import DataError, PhotoError
from vectortag.core.file_names import escape_path, is_folder, is_missing, real_path
from vectortag.core.files import read_file
from vectortag.core.text import has_control_characters
from vectortag.data.find import LeftOut, photos_of
from vectortag.data.records import DataSet, Record, read_data_set
from vectortag.data.shards.reading import are_shards, read_shards
from vectortag.data.word_lists import split_keyword
from vectortag.data.xmp import LARGEST_PACKET, KeywordPath, XmpError, keyword_paths
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.decoding.headers import identify
from vectortag.runtime.pixels import open_photo

log = logging.getLogger(__name__)

NOT_KEYWORDS = frozenset({"darktable", "_Digikam_Internal_Tags_"})
"""Roots under which programs note their own affairs."""

NO_SIDECAR = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}

KEYWORDS = (2, 25)
"""The data set of IPTC-IIM that holds a keyword."""

XP_KEYWORDS = 0x9C9E
"""The field of EXIF in which Windows keeps keywords: UTF-16, with semicolons between them."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords of a photo, each once, in the order in which they stand.

    Attributes:
        words: as the person wrote them.
        to_learn: the same, where a keyword of IPTC that lists words is several.
        problem: why a sidecar or the photo's own XMP cannot be read; "" where that is not so.
    """

    words: tuple[str, ...] = ()
    to_learn: tuple[str, ...] = ()
    problem: str = ""


def read_tagged_photos(path: str | Path, *, name: str | None = None, skip_bad_rows: bool = False) -> DataSet:
    """Read a metadata.csv, or its folder, or a folder of photos that carry keywords, or shards.

    Raises:
        DataError: as `read_data_set` and `read_shards`, or no photo of the folder has a keyword.
    """
    if are_shards(path):
        return read_shards(path, name=name)
    folder = Path(path)
    if not is_folder(folder) or not is_missing(folder / "metadata.csv"):
        return read_data_set(path, name=name, skip_bad_rows=skip_bad_rows)
    left_out = LeftOut()
    photos = list(photos_of([folder], left_out=left_out))
    for line in left_out.remedies():
        log.warning("%s", line)
    closed = tuple(str(error) for photo in photos if (error := _why_closed(photo)) is not None)
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = list(pool.map(read_keywords, photos))
    unread = tuple(one.problem for one in found if one.problem)
    for problem in (*closed, *unread):
        log.warning("left out: %s", problem)
    name = name or escape_path(real_path(folder).name)
    records = tuple(
        Record(photo, one.to_learn, place, None, name)
        for place, (photo, one) in enumerate(zip(photos, found, strict=True), start=1)
        if one.to_learn  # a photo without any keyword was not tagged yet: that says nothing of what it shows
    )
    if not records:
        raise DataError(
            f"{folder}: no metadata.csv, and none of {len(photos)} photos has keywords, in an XMP sidecar or inside"
            + (f". {len(unread)} cannot be read, the first is {unread[0]}" if unread else "")
        )
    if untagged := sum(not one.to_learn and not one.problem for one in found):
        log.info("%s: %d photos without keywords are left out", name, untagged)
    return DataSet(name, folder, records, closed=closed, unread=unread)


def _why_closed(path: Path) -> PhotoError | None:
    """The error of a folder that `photos_of` could not read; None for a photo, and for a folder called like one."""
    if not is_folder(path):
        return None
    try:
        next(path.iterdir(), None)
    except OSError as error:
        return PhotoError(f"{escape_path(path)}: cannot be read: {error.strerror}")
    return None


def keywords_of(photo: Path) -> tuple[str, ...]:
    """The keywords of a photo as the person wrote them: "Paris, France" is one; none where they cannot be read."""
    found = read_keywords(photo)
    if found.problem:
        log.warning("%s", found.problem)
    return found.words


def read_keywords(photo: Path) -> Keywords:
    """The keywords of a photo, or what is wrong with them.

    If a sidecar cannot be read, the photo's own words do not count: the sidecar may say something else.
    """
    for sidecar in sidecars_of(photo):
        try:
            words = _distinct(keyword_paths(read_file(sidecar, most=LARGEST_PACKET)))
        except OSError as error:
            if error.errno in NO_SIDECAR:
                continue
            return Keywords(problem=f"{escape_path(sidecar)}: cannot be read: {error.strerror}")
        except XmpError as error:
            return Keywords(problem=f"{escape_path(sidecar)}: its keywords cannot be read: {error}")
        if words:
            return Keywords(words, words)
    try:
        with open_photo(photo) as file, identify(file) as image:
            return _inside(photo, image)
    except (OSError, PhotoError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Keywords()  # whoever decodes the photo says what is wrong with it


def sidecars_of(photo: Path) -> Iterator[Path]:
    """`boat.jpg.xmp` (digiKam, darktable), then `boat.xmp` (Lightroom and other commercial programs)."""
    for suffix in (".xmp", ".XMP"):
        yield photo.with_name(photo.name + suffix)
        yield photo.with_suffix(suffix)


def paths_inside(photo: Path) -> list[KeywordPath]:
    """The keywords inside a photo without all that VectorTag wrote; none where they cannot be read."""
    try:
        with open_photo(photo) as file, identify(file) as image:
            return _paths_inside(image, confirmed=False)[0]
    except (OSError, PhotoError, SyntaxError, ValueError, Image.DecompressionBombError):
        return []


def _inside(photo: Path, image: ImageFile.ImageFile) -> Keywords:
    paths, to_learn, problem = _paths_inside(image)
    words = _distinct(paths)
    if problem and not words:
        return Keywords(problem=f"{escape_path(photo)}: the XMP inside it cannot be read: {problem}")
    return Keywords(words, _distinct(to_learn))


def _paths_inside(
    image: ImageFile.ImageFile, *, confirmed: bool = True
) -> tuple[list[KeywordPath], list[KeywordPath], str]:
    """The keywords, the same for learning, and what is wrong with the XMP."""
    problem = ""
    packet = embedded_xmp(image)
    try:
        paths = keyword_paths(packet, confirmed=confirmed) if packet.strip(b"\x00 \t\r\n") else []
    except XmpError as error:
        paths, problem = [], str(error)
    if _distinct(paths):
        return paths, paths, ""
    if keywords := _from_iptc(image):
        return [[word] for word in keywords], list(map(split_keyword, keywords)), ""
    paths = [[word] for word in _from_exif(image)]
    return paths, paths, problem


def embedded_xmp(image: Image.Image) -> bytes:
    """The XMP packet inside a photo whose header was read; b"" if it has none."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _from_iptc(image: ImageFile.ImageFile) -> list[str]:
    found = IptcImagePlugin.getiptcinfo(image) or {}
    raw = found.get(KEYWORDS, [])
    return [text for word in (raw if isinstance(raw, list) else [raw]) if (text := _text(word).strip(" \t\r\n\0"))]


def _from_exif(image: Image.Image) -> list[str]:
    raw = image.getexif().get(XP_KEYWORDS) or b""
    try:
        text = bytes(raw).decode("utf-16-le", "ignore")
    except (TypeError, ValueError):  # a field of another type
        return []
    return [word for part in text.split("\0")[0].split(";") if (word := part.strip())]


def _text(word: bytes) -> str:
    """UTF-8, as nearly everyone writes; else Latin-1, the old habit."""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("latin-1")


def _distinct(paths: Iterable[KeywordPath]) -> tuple[str, ...]:
    levels = (level.strip() for path in paths if path and path[0].strip() not in NOT_KEYWORDS for level in path)
    return tuple(dict.fromkeys(level for level in levels if level and not has_control_characters(level)))

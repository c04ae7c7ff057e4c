"""Photos whose tags are keywords: in an XMP sidecar beside the photo, or inside it as XMP or IPTC.

A sidecar that holds keywords is believed alone, as the programs that write one do; without such a sidecar the photo's
own XMP counts, and IPTC where that has none. Every level of a keyword's path is a word: `Animals|Dog` is animals and
dog.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageFile, IptcImagePlugin

from vectortag.core.errors import DataError, PhotoError
from vectortag.core.file_names import escape_path, is_folder, is_missing
from vectortag.core.files import read_file
from vectortag.data.find import find_images
from vectortag.data.records import DataSet, Record, read_data_set
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.headers import identify
from vectortag.runtime.pixels import open_photo

log = logging.getLogger(__name__)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
FIELDS = {
    "{http://purl.org/dc/elements/1.1/}subject": "|",
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": "|",
    "{http://www.digikam.org/ns/1.0/}TagsList": "/",
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP": "/",
}
"""The properties of XMP that hold keywords, and what parts the levels of a path in each."""

NOT_KEYWORDS = frozenset({"darktable", "_Digikam_Internal_Tags_"})
"""Roots under which programs note their own affairs."""

NO_SIDECAR = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}

KEYWORDS = (2, 25)
"""The data set of IPTC-IIM that holds a keyword."""


def read_tagged_photos(path: str | Path, *, name: str | None = None, skip_bad_rows: bool = False) -> DataSet:
    """Read a metadata.csv, or its folder, or a folder of photos that carry keywords.

    Raises:
        DataError: as `read_data_set`, or no photo of the folder has a keyword.
    """
    folder = Path(path)
    if not is_folder(folder) or not is_missing(folder / "metadata.csv"):
        return read_data_set(path, name=name, skip_bad_rows=skip_bad_rows)
    photos = list(find_images(folder))
    closed = tuple(str(error) for photo in photos if (error := _why_closed(photo)) is not None)
    for problem in closed:
        log.warning("left out: %s", problem)
    with ThreadPoolExecutor(usable_cores()) as pool:
        words = list(pool.map(keywords_of, photos))
    name = name or escape_path(folder.resolve().name)
    records = tuple(
        Record(photo, of_one, place, None, name)
        for place, (photo, of_one) in enumerate(zip(photos, words, strict=True), start=1)
        if of_one  # a photo without any keyword was not tagged yet: that says nothing of what it shows
    )
    if not records:
        raise DataError(
            f"{folder}: no metadata.csv, and none of {len(photos)} photos has keywords, in an XMP sidecar or inside"
        )
    if untagged := len(photos) - len(records):
        log.info("%s: %d photos without keywords are left out", name, untagged)
    return DataSet(name, folder, records, closed=closed)


def _why_closed(path: Path) -> PhotoError | None:
    """The error of a folder that `find_images` could not read; None for a photo, and for a folder called like one."""
    if not is_folder(path):
        return None
    try:
        next(path.iterdir(), None)
    except OSError as error:
        return PhotoError(f"{escape_path(path)}: cannot be read: {error.strerror}")
    return None


def keywords_of(photo: Path) -> tuple[str, ...]:
    """The keywords of a photo, each once, in the order in which they stand; none where it cannot be read."""
    for sidecar in _sidecars(photo):
        try:
            words = _from_xmp(read_file(sidecar))
        except OSError as error:
            if error.errno not in NO_SIDECAR:
                log.warning("%s: cannot be read: %s", escape_path(sidecar), error.strerror)
            continue
        if words:
            return words
    try:
        with open_photo(photo) as file, identify(file) as image:
            return _from_xmp(_embedded_xmp(image)) or _from_iptc(image)
    except (OSError, PhotoError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ()  # whoever decodes the photo says what is wrong with it


def _sidecars(photo: Path) -> Iterator[Path]:
    """`boat.jpg.xmp` (digiKam, darktable), then `boat.xmp` (Lightroom and other commercial programs)."""
    for suffix in (".xmp", ".XMP"):
        yield photo.with_name(photo.name + suffix)
        yield photo.with_suffix(suffix)


def _embedded_xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _from_xmp(packet: bytes) -> tuple[str, ...]:
    packet = packet.strip(b"\x00 \t\r\n")
    if not packet or b"<!DOCTYPE" in packet:  # XMP has no document type; entities are a way to attack a reader
        return ()
    try:
        root = ElementTree.fromstring(packet)
    except ElementTree.ParseError:
        return ()
    paths = [
        entry.text.split(separator)
        for field, separator in FIELDS.items()
        for found in root.iter(field)
        for entry in found.iter(RDF + "li")
        if entry.text
    ]
    return _distinct(paths)


def _from_iptc(image: ImageFile.ImageFile) -> tuple[str, ...]:
    found = IptcImagePlugin.getiptcinfo(image) or {}
    raw = found.get(KEYWORDS, [])
    return _distinct([[_text(word)] for word in (raw if isinstance(raw, list) else [raw])])


def _text(word: bytes) -> str:
    """UTF-8, as nearly everyone writes; else Latin-1, the old habit."""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("latin-1")


def _distinct(paths: Iterable[list[str]]) -> tuple[str, ...]:
    levels = (level.strip() for path in paths if path[0].strip() not in NOT_KEYWORDS for level in path)
    return tuple(dict.fromkeys(level for level in levels if level))

"""XMP: the keywords in a packet, as the programs that people use write them.

A packet may come from anybody. It is parsed by defusedxml, which refuses document types and entities: XMP has neither,
and nested entities fill a computer's memory. (lxml would be 5 MB of compiled code; defusedxml is a few kB of Python.)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
META = "{adobe:ns:meta/}"
ACDSEE = "{http://ns.acdsee.com/iptc/1.0/}"
CATEGORIES = ACDSEE + "categories"
"""A text that is XML itself: nested categories, of which `Assigned` says whether the photo has it."""
RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
RATINGS = range(-1, 6)
"""-1 is "rejected", 0 "none"."""

VECTORTAG = "{urn:vectortag:xmp/1.0/}"
"""The namespace of VectorTag's own record in a sidecar; see `library/packet.py`."""
WROTE = VECTORTAG + "TaggingWrote"
"""The local name of a property follows, as in "TaggingWroteSubject": the keywords that VectorTag wrote in it."""

FIELDS = {
    "{http://purl.org/dc/elements/1.1/}subject": "|",
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": "|",
    "{http://www.digikam.org/ns/1.0/}TagsList": "/",
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP": "/",
    "{http://ns.microsoft.com/photo/1.0}LastKeywordXMP": "/",  # as exiftool writes it
    ACDSEE + "keywords": "|",
    "{http://ns.iview-multimedia.com/mediapro/1.0/}CatalogSets": "|",
}
"""The properties of XMP that hold keywords, and what separates the levels of a path in each."""

LARGEST_PACKET = 32 << 20
"""Bytes. Those of programs that note each brush stroke have a few million."""

DEEPEST = 100
"""Levels of elements. Those of programs that note each brush stroke have about 20."""

KeywordPath = list[str]
"""The levels of one keyword: `Animals|Dog` is ["Animals", "Dog"]."""


class XmpError(ValueError):
    """A packet is not XMP that can be read; the text says why."""


def keyword_paths(packet: bytes, *, confirmed: bool = True) -> list[KeywordPath]:
    """The keywords in a packet, in the order in which they stand, without those that VectorTag wrote.

    Args:
        confirmed: also those that VectorTag wrote because a person accepted them.

    Raises:
        XmpError: it cannot be parsed.
    """
    root = _parsed(packet)
    if not root.tag.startswith((RDF, META)) and next(root.iter(RDF + "RDF"), None) is None:
        raise XmpError("it is XML, but not XMP: it has no rdf:RDF")
    written = _Written.by_vectortag(root, confirmed=confirmed)
    paths = [
        text.split(separator)
        for field, separator in FIELDS.items()
        for found in root.iter(field)
        for text in _texts(found)
        if not written.holds(field, text)
    ]
    paths += [text.split(separator) for field, separator in FIELDS.items() for text in _attributes(root, field)]
    for text in (*(found.text or "" for found in root.iter(CATEGORIES)), *_attributes(root, CATEGORIES)):
        if text.strip():
            paths += (path for path in _assigned(_parsed(text.encode()), []) if not written.holds_path(path))
    return paths


@dataclass(frozen=True, slots=True)
class _Written:
    """What VectorTag noted of its own keywords: by field, and as paths; `confirmed`: words that a person accepted."""

    by_field: dict[str, set[str]]
    paths: set[tuple[str, ...]]
    confirmed: set[str]

    @classmethod
    def by_vectortag(cls, root: Any, *, confirmed: bool) -> _Written:
        by_field, words = {}, set()
        for field in FIELDS:
            noted = [*root.iter(WROTE + _capital(field.partition("}")[2]))]
            if noted:
                by_field[field] = {text.strip() for one in noted for text in _texts(one)}
        for scores in root.iter(VECTORTAG + "TaggingScores"):
            for item in scores.iter(RDF + "li"):
                about = {part.tag: part.text or "" for part in item.iter()}
                about |= {name: value for part in item.iter() for name, value in part.attrib.items()}
                if about.get(VECTORTAG + "By") == "person":
                    words |= set(about.get(VECTORTAG + "Path", "").split("|"))
        paths = {tuple(text.split(FIELDS[field])) for field, texts in by_field.items() for text in texts}
        return cls(by_field, paths, words if confirmed else set())

    def holds(self, field: str, text: str) -> bool:
        """Whether a keyword is VectorTag's. Other programs copy them to fields that VectorTag has not begun."""
        path = text.strip().split(FIELDS[field])
        if field not in self.by_field:
            return self.holds_path(path)
        return text.strip() in self.by_field[field] and path[-1] not in self.confirmed

    def holds_path(self, path: KeywordPath) -> bool:
        """The same of a keyword in such a field."""
        return tuple(path) in self.paths and path[-1] not in self.confirmed


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def rating_in(packet: bytes) -> int | None:
    """The rating in a packet, -1 to 5; None if it has none.

    Raises:
        XmpError: it cannot be parsed.
    """
    root = _parsed(packet)
    for text in (*(found.text or "" for found in root.iter(RATING)), *_attributes(root, RATING)):
        try:
            rating = round(float(text))
        except (ValueError, OverflowError):
            continue
        if rating in RATINGS:
            return rating
    return None


def _parsed(packet: bytes) -> Any:
    if len(packet) > LARGEST_PACKET:
        raise XmpError(f"it has {len(packet) >> 20} MiB; the limit is {LARGEST_PACKET >> 20}")
    content = _decoded(packet)
    content = content.strip("\ufeff\x00 \t\r\n") if isinstance(content, str) else content.strip(b"\x00 \t\r\n")
    if not content:
        raise XmpError("it is empty")
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise XmpError("it has a document type, which XMP never has") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise XmpError(f"it is not XML: {error}") from error


def _decoded(packet: bytes) -> bytes | str:
    """Text where it is in UTF-16 or UTF-32; else the bytes, whose declaration counts.

    Programs that convert a file to UTF-8 leave the declaration of UTF-16 in it.
    """
    encoding = next((name for mark, name in _MARKS.items() if packet.startswith(mark)), None)
    if encoding is None and _SAYS_UTF_16.match(packet):
        encoding = "utf-8"
    if encoding is None:
        return packet
    unit = {"utf-32": 4, "utf-8": 1}.get(encoding, 2)
    try:
        return packet[: len(packet) // unit * unit].decode(encoding)
    except UnicodeDecodeError as error:
        raise XmpError(f"it is not {encoding.upper()}: {error}") from error


_SAYS_UTF_16 = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml\s[^>]*encoding=["']utf-?16""", re.IGNORECASE)
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # it begins with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}


_ITEM = re.compile(re.escape(RDF) + r"(li|_\d+)")


def _texts(field: Any) -> Iterator[str]:
    """The entries of a property without their qualifiers: those of its list, or its own text where it has none."""
    items = [entry for entry in field.iter() if _ITEM.fullmatch(entry.tag)] or [field]
    entries = [next((part.text for part in item.iter(RDF + "value")), item.text) for item in items]
    yield from (" ".join(text.split()) for text in entries if text and text.strip())  # line ends are XML's layout


def _attributes(root: Any, name: str) -> Iterator[str]:
    """A property of one value may be an attribute of its description."""
    for description in root.iter(RDF + "Description"):
        if text := description.get(name, "").strip():
            yield text


def _assigned(element: Any, above: KeywordPath) -> Iterator[KeywordPath]:
    """The paths of ACDSee's categories that are assigned."""
    pending = [(element, above)]
    while pending:
        parent, path = pending.pop()
        if len(path) > DEEPEST:
            raise XmpError(f"its categories are more than {DEEPEST} levels deep")
        for child in reversed(list(parent)):
            pending.append((child, [*path, (child.text or "").strip()]))
        if parent.get("Assigned") == "1" and path:
            yield path

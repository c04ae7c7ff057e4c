"""XML with the position of each element in its source, so that a file is edited and not written anew.

What is not edited keeps its bytes: comments, processing instructions, quotes, line ends, blanks, encoding. The parser
is Python's expat. Document types are refused, so there are no entities to expand and nothing to fetch; size and depth
are limited.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from vectortag.data.xmp import DEEPEST, LARGEST_PACKET, XmpError

MOST_NAMESPACES = 1000
"""Prefixes that are declared at one place."""

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
WITHOUT_MARK = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}

PADDING = b" \t\r\n\0"
BLANKS = b" \t\r\n"

SEPARATOR = "\x01"
"""What expat writes between namespace, name and prefix: no character of XML."""

_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*(?:"[^"]*"|'[^']*')""")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")


@dataclass(slots=True)
class Element:
    """An element and where it is in the source, in bytes.

    Attributes:
        name: "{namespace}local".
        tag: the name as written, with its prefix.
        attributes: by "{namespace}local", or by the local name where there is no namespace.
        namespaces: the namespace of each prefix here; "" is the default.
        start, opened: begin and end of the start tag.
        closed, end: begin and end of the end tag; both are `opened` if the element is written as `<a/>`.
        text: the character data directly in it.
    """

    name: str
    tag: bytes
    attributes: Mapping[str, str]
    namespaces: Mapping[str, str]
    start: int
    opened: int
    closed: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """The prefix of the name, with its colon; "" if there is none."""
        before, colon, _ = self.tag.decode().rpartition(":")
        return before + colon

    @property
    def is_empty_tag(self) -> bool:
        return self.closed == self.opened == self.end

    def first(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed document.

    Attributes:
        body: the document in UTF-8, without byte order mark and padding.
        root: its root; only elements that `keep` asked for have their content.
        has_comments: whether there is a comment anywhere.
        encoding, head, tail: what makes bytes of the body again.
    """

    body: bytes
    root: Element
    has_comments: bool
    encoding: str
    head: bytes
    tail: bytes

    def attribute_spans(self, element: Element) -> dict[str, tuple[int, int]]:
        """Each attribute of a start tag with the blanks before it, by its name as written."""
        spans: dict[str, tuple[int, int]] = {}
        at = element.start + 1 + len(element.tag)
        while found := _ATTRIBUTE.match(self.body, at):
            spans[found[1].decode()] = found.span()
            at = found.end()
        return spans

    def blanks_before(self, position: int) -> bytes:
        """The blanks that end there."""
        begin = position
        while begin and self.body[begin - 1] in BLANKS:
            begin -= 1
        return self.body[begin:position]

    def edited(self, edits: list[tuple[int, int, str]]) -> bytes:
        """The file with parts of its body replaced: (start, end, text), none of which overlap."""
        pieces, at = [], 0
        for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self.body[at:start], text.encode()]
            at = end
        body = b"".join([*pieces, self.body[at:]])
        return self.head + body.decode().encode(self.encoding, "xmlcharrefreplace") + self.tail


def parse(content: bytes, keep: Callable[[Element], bool]) -> Source:
    """Parse a document.

    Args:
        content: the whole file.
        keep: keep(parent): whether the children of an element are kept, with all that they contain decided in turn.

    Raises:
        XmpError: it is too large or too deep, has a document type, is no XML, or is in an unknown encoding.
    """
    if len(content) > LARGEST_PACKET:
        raise XmpError(f"it has {len(content) >> 20} MiB; the limit is {LARGEST_PACKET >> 20}")
    encoding, head, text, tail = _decoded(content)
    body = text.encode()
    reader = _Reader(body, keep)
    return Source(body, reader.read(), reader.has_comments, encoding, head, tail)


def _decoded(content: bytes) -> tuple[str, bytes, str, bytes]:
    """Encoding, what stands before the document, the document, and what follows; together they are `content`."""
    mark = next((mark for mark in MARKS if content.startswith(mark)), b"")
    rest = content[len(mark) :]
    if mark:
        encoding = MARKS[mark]
    elif rest[:2] in WITHOUT_MARK:
        encoding = WITHOUT_MARK[rest[:2]]
    else:
        declared = _DECLARED.match(rest.lstrip(PADDING))
        encoding = declared[1].decode() if declared else "utf-8"
    try:
        whole = rest.decode(encoding)
        if whole.encode(encoding) != rest:
            raise XmpError(f"its text is not written as {encoding} is")
    except (UnicodeError, LookupError) as error:
        raise XmpError(f"it is not text in {encoding}: {error}") from error
    padding = PADDING.decode()
    text = whole.strip(padding)
    if not text:
        raise XmpError("it is empty")
    before = whole[: len(whole) - len(whole.lstrip(padding))]
    after = whole[len(before) + len(text) :]
    return encoding, mark + before.encode(encoding), text, after.encode(encoding)


class _Reader:
    """The handlers of expat; `read` gives the root."""

    def __init__(self, body: bytes, keep: Callable[[Element], bool]) -> None:
        self.has_comments = False
        self._body, self._keep = body, keep
        self._open: list[Element | None] = []  # None: an element that is not kept
        self._texts: list[list[str]] = []  # of the open elements, in pieces
        self._namespaces: list[Mapping[str, str]] = [{"xml": "http://www.w3.org/XML/1998/namespace"}]
        self._declared: dict[str, str] = {}
        self._root: Element | None = None

    def read(self) -> Element:
        parser = expat.ParserCreate("utf-8", SEPARATOR)
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declare
        parser.CommentHandler = self._commented
        parser.StartDoctypeDeclHandler = self._document_type
        self._parser = parser
        try:
            parser.Parse(self._body, True)
        except expat.ExpatError as error:
            raise XmpError(f"it is not XML: {error}") from error
        assert self._root is not None  # expat has seen an element, else it had failed
        return self._root

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _started(self, raw: str, attributes: dict[str, str]) -> None:
        depth = len(self._open)
        if depth > DEEPEST:
            raise XmpError(f"its elements are more than {DEEPEST} levels deep")
        self._namespaces.append({**self._namespaces[-1], **self._declared} if self._declared else self._namespaces[-1])
        if len(self._namespaces[-1]) > MOST_NAMESPACES:
            raise XmpError(f"it declares more than {MOST_NAMESPACES:,} namespaces")
        self._declared = {}
        self._texts.append([])
        parent = self._open[-1] if self._open else None
        name, tag = _names(raw)
        if depth and (parent is None or not self._keep(parent)):
            self._open.append(None)
            return
        start = self._parser.CurrentByteIndex
        found = _START_TAG.match(self._body, start)
        assert found  # expat has accepted it
        named = {_names(key)[0]: value for key, value in attributes.items()}
        element = Element(name, tag.encode(), named, self._namespaces[-1], start, found.end())
        if self._body[found.end() - 2 : found.end()] == b"/>":
            element.closed = element.end = element.opened
        if parent is None:
            self._root = element
        else:
            parent.children.append(element)
        self._open.append(element)

    def _ended(self, raw: str) -> None:
        del raw
        self._namespaces.pop()
        element, texts = self._open.pop(), self._texts.pop()
        if element is None:
            return
        element.text = "".join(texts)
        if not element.end:
            element.closed = self._parser.CurrentByteIndex
            element.end = self._body.index(b">", element.closed) + 1

    def _characters(self, data: str) -> None:
        if self._open and self._open[-1] is not None:
            self._texts[-1].append(data)

    def _commented(self, text: str) -> None:
        del text
        self.has_comments = True

    def _document_type(self, *declaration: object) -> None:
        del declaration
        raise XmpError("it has a document type, which XMP never has")


def _names(raw: str) -> tuple[str, str]:
    """The name with its namespace, and as written, of what expat gives: uri, name and prefix, or less."""
    parts = raw.split(SEPARATOR)
    if len(parts) == 1:
        return raw, raw
    return f"{{{parts[0]}}}{parts[1]}", ":".join([*parts[2:], parts[1]])

"""Read photos from the body of a request into memory, and check every limit while the bytes arrive.

Starlette's own form parser writes large files to disk and checks limits at the end, so it is not used.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from vectortag.apps.server.admission import Ticket
from vectortag.apps.server.limits import Limits
from vectortag.apps.server.problems import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PHOTO_TYPES = (
    "image/jpeg",
    "image/jpg",
    "image/pjpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/jxl",
    "image/x-adobe-dng",
    "application/octet-stream",
)
"""The usual media types of a body that is one photo. They are not trusted: the bytes decide the format."""

UNTYPED = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"})
"""Media types that say nothing; the last is what `curl --data-binary` says of every body."""

FORM = "multipart/form-data"
PHOTOS = "photos"
"""The form field with the photos."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo: its form field, the file name that the client gave (never opened), and its bytes."""

    field: str
    name: str | None
    content: bytes


async def read_uploads(
    request: Request, limits: Limits, ticket: Ticket, fields: Collection[str] = (PHOTOS,), *, alone: bool = True
) -> list[Upload]:
    """The photos of a request, at least one: the files in these form fields, or, if `alone`, also a body that is one.

    Raises:
        Problem: 400, 408, 413, 415 or 503.
        ClientDisconnect: the client closed the connection.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "unsupported-media-type", "Compressed bodies are not supported. Send the photos as they are")
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    media_type = kind.decode("latin-1")
    if alone and (media_type in UNTYPED or media_type.startswith("image/")):
        return [await _read_single(request, limits, ticket)]
    if media_type != FORM:
        raise _unsupported(alone)
    if not (boundary := parameters.get(b"boundary")):
        raise Problem(400, "broken-form", "Content-Type names no boundary")
    form = _Form(limits, ticket, fields)
    try:
        parser, preamble = MultipartParser(boundary, form.callbacks()), _Preamble(boundary)
        async for chunk in _chunks(request, limits, ticket):
            parser.write(preamble.skip(chunk))
    except FormParserError as error:
        raise Problem(400, "broken-form", f"The form cannot be read: {error}") from error
    if not form.complete:
        raise Problem(400, "broken-form", "The form ends before its last boundary")
    if not form.uploads:
        raise Problem(400, "no-photo", f'The form has no file in a field "{min(fields)}"')
    return form.uploads


def _unsupported(alone: bool) -> Problem:
    as_body = f"a photo as the body ({', '.join(PHOTO_TYPES)}), or " if alone else ""
    return Problem(415, "unsupported-media-type", f"Send {as_body}photos as {FORM}")


async def _read_single(request: Request, limits: Limits, ticket: Ticket) -> Upload:
    content = bytearray()
    async for chunk in _chunks(request, limits, ticket):
        content += chunk
        _check_file(len(content), limits)
    if not content:
        raise Problem(400, "no-photo", "The body is empty")
    ticket.add_photo()
    return Upload("", None, bytes(content))


async def _chunks(request: Request, limits: Limits, ticket: Ticket) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "0")
    received = int(declared) if declared.isdecimal() else 0
    _check_request(received, limits)
    clock = asyncio.get_running_loop().time
    end, received = clock() + limits.seconds, 0
    while True:
        try:
            async with asyncio.timeout_at(min(end, clock() + limits.silence)):
                message = await request.receive()
        except TimeoutError as error:
            detail = (
                f"The body arrived too slowly: at most {limits.silence:g} s of silence, {limits.seconds:g} s in total"
            )
            raise Problem(408, "too-slow", detail, headers={"Connection": "close"}) from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        received += len(chunk)
        _check_request(received, limits)
        ticket.add_bytes(len(chunk))
        yield chunk
        if not message.get("more_body", False):
            return


def _check_request(size: int, limits: Limits) -> None:
    if size > limits.request_bytes:
        raise _too_large(f"The request has more than {limits.request_bytes:,} bytes. Send fewer photos at a time")


def _check_file(size: int, limits: Limits) -> None:
    if size > limits.file_bytes:
        raise _too_large(f"A photo has more than {limits.file_bytes:,} bytes. Send a smaller one")


def _too_large(detail: str) -> Problem:
    return Problem(413, "too-large", detail)


class _Preamble:
    """Skips what may stand before the first boundary of a form (RFC 2046, 5.1.1), which the parser does not know."""

    def __init__(self, boundary: bytes) -> None:
        self._start = b"--" + boundary
        self._first = re.compile(rb"\r\n%s(?:[ \t]{0,99}(?=\r\n)|(?=--))" % re.escape(self._start))
        self._longest = len(boundary) + 105
        self._seen: bytes | None = b"\r\n"  # the boundary may be the very start of the body

    def skip(self, chunk: bytes) -> bytes:
        """The part of a chunk that belongs to the form."""
        if self._seen is None:
            return chunk
        seen = self._seen + chunk
        if found := self._first.search(seen):
            self._seen = None
            return self._start + seen[found.end() :]
        self._seen = seen[-self._longest :]
        return b""


@dataclass(slots=True)
class _Form:
    """Collects the files of a form from the parser's callbacks."""

    limits: Limits
    ticket: Ticket
    fields: Collection[str]
    uploads: list[Upload] = field(default_factory=list)
    complete: bool = False
    _header: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _content: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self.on_part_begin,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_part_data": self.on_part_data,
            "on_part_end": self.on_part_end,
            "on_end": self.on_end,
        }

    def on_part_begin(self) -> None:
        if len(self.uploads) >= self.limits.files:
            raise _too_large(f"The request has more than {self.limits.files} photos. Send them in several requests")
        self._disposition, self._content = b"", bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += memoryview(data)[start:end]  # a piece may be one byte: a list of them takes 40 times as much
        _check_file(len(self._content), self.limits)

    def on_part_end(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name not in self.fields:
            known = ", ".join(sorted(self.fields))
            raise Problem(400, "unknown-field", f'The form has a field "{name}". Its fields are: {known}')
        self.ticket.add_photo()
        file_name = options.get(b"filename")
        given = None if file_name is None else file_name.decode("utf-8", "replace")
        self.uploads.append(Upload(name, given, bytes(self._content)))

    def on_end(self) -> None:
        self.complete = True

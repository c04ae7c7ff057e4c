"""What the browser asks for beside Streamlit: thumbnails of the library's photos, and suggestions while one types.

The browser asks for those thumbnails that are in sight, so the page comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vectortag.apps.ui.library.open_library import OpenLibrary, file_of, open_library
from vectortag.apps.ui.library.thumbnails import large_picture_of, thumbnail_of
from vectortag.apps.ui.settings import read_settings
from vectortag.core.errors import LibraryError, PhotoError
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.query_fields import FIELDS
from vectortag.library.query_parser import MOST_CHARACTERS
from vectortag.library.suggestions import Suggestion, suggest

THUMBNAILS, PICTURES, SUGGESTIONS = "/library-thumbnails", "/library-pictures", "/library-suggestions"
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def address_of(row: int) -> str:
    """Where the thumbnail of a photo is, by its row in the library; relative to the page's own folder."""
    return f".{THUMBNAILS}/{row}"


def picture_address_of(row: int) -> str:
    """Where a larger picture of a photo is."""
    return f".{PICTURES}/{row}"


def _answer(request: Request, make: Callable[[OpenLibrary], Response]) -> Response:
    """Only to the page itself; 404 if there is no library, or if what is asked for cannot be read."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return PlainTextResponse("Web pages of another origin may not use this page\n", 403, HEADERS)
    file = file_of(read_settings(sys.argv[1:]))
    if file is None:
        return PlainTextResponse("There is no library\n", 404, HEADERS)
    try:
        return make(open_library(file))
    except (LibraryError, PhotoError):
        return PlainTextResponse("The photo cannot be read\n", 404, HEADERS)


def _picture(request: Request, draw: Callable[[LibraryPhoto], bytes]) -> Response:
    def make(opened: OpenLibrary) -> Response:
        with opened.using() as library:
            photo = library.photo(request.path_params["row"])
        if photo is None:
            return PlainTextResponse("The library has no such photo\n", 404, HEADERS)
        return Response(draw(photo), media_type="image/jpeg", headers=HEADERS)

    return _answer(request, make)


def thumbnail(request: Request) -> Response:
    """Answer with a JPEG; 404 if the library has no such photo, or if it cannot be read."""
    return _picture(request, thumbnail_of)


def picture(request: Request) -> Response:
    """The same, larger."""
    return _picture(request, large_picture_of)


def suggestions(request: Request) -> Response:
    """Answer with what could be meant at the caret `at` of the query `q`, as JSON."""
    query, at = request.query_params.get("q", "")[:MOST_CHARACTERS], request.query_params.get("at", "")
    caret = int(at) if at.isdecimal() and len(at) < 9 else len(query)

    def make(opened: OpenLibrary) -> Response:
        found = suggest(query, min(caret, len(query)), opened.names())
        return JSONResponse([_described(one) for one in found], headers={**HEADERS, "Cache-Control": "no-store"})

    return _answer(request, make)


def _described(one: Suggestion) -> dict[str, object]:
    about = FIELDS[one.shown] if one.kind == "field" else f"{one.kind}, {one.count:,}" if one.count else one.kind
    return {"text": one.text, "shown": one.shown, "kind": one.kind, "about": about, "start": one.start, "end": one.end}


ROUTES = [
    Route(f"{THUMBNAILS}/{{row:int}}", thumbnail, methods=["GET"]),
    Route(f"{PICTURES}/{{row:int}}", picture, methods=["GET"]),
    Route(SUGGESTIONS, suggestions, methods=["GET"]),
]

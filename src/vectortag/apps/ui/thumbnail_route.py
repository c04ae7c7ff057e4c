"""The address of a library photo's thumbnail. The browser asks for those in sight, so the page comes at once."""

from __future__ import annotations

import sys

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vectortag.apps.ui.library_thumbnails import thumbnail_of
from vectortag.apps.ui.open_library import file_of, open_library
from vectortag.apps.ui.settings import read_settings
from vectortag.core.errors import LibraryError, PhotoError

PATH = "/library-thumbnails"
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def address_of(row: int) -> str:
    """Where the thumbnail of a photo is, by its row in the library; relative to the page's own folder."""
    return f".{PATH}/{row}"


def thumbnail(request: Request) -> Response:
    """Answer with a JPEG; 404 if the library has no such photo, or if it cannot be read."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return PlainTextResponse("Web pages of another origin may not use this page\n", 403, HEADERS)
    file = file_of(read_settings(sys.argv[1:]))
    try:
        if file is None:
            return PlainTextResponse("There is no library\n", 404, HEADERS)
        with open_library(file).using() as library:
            photo = library.photo(request.path_params["row"])
        if photo is None:
            return PlainTextResponse("The library has no such photo\n", 404, HEADERS)
        return Response(thumbnail_of(photo), media_type="image/jpeg", headers=HEADERS)
    except (LibraryError, PhotoError):
        return PlainTextResponse("The photo cannot be read\n", 404, HEADERS)


ROUTE = Route(f"{PATH}/{{row:int}}", thumbnail, methods=["GET"])

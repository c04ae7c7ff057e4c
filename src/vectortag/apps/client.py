"""A client of `vectortag serve`. It needs only the standard library, and VectorTag's errors.

    from vectortag import Client
    with Client("http://127.0.0.1:8000") as client:
        photo = client.tag("beach.jpg")     # .tags -> (Tag("sea", score=0.91, threshold=0.44), ...)
        png = client.explain("beach.jpg", "sea")

It keeps one connection open (http.client). Each thread needs its own client.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from vectortag.core.errors import ServiceError
from vectortag.core.files import read_file

Photo = str | Path | bytes
"""The path of a photo, or its bytes."""

Profile = Literal["precise", "balanced", "thorough"]


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a photo: `score` in [0, 1], calibrated; `threshold` is the tag's own, None if it has none."""

    tag: str
    score: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class TaggedPhoto:
    """The result of one photo.

    Attributes:
        tags: best first; with `all_scores` every tag, in the model's order. Empty after an error.
        implied: those of `tags` that are below their own threshold and shown with their children.
        model: `name@digest` of the model.
        error: why the photo could not be read; None if it was.
        guesses: where no tag is shown, at most three that are likely, best first. They are no tags.
    """

    tags: tuple[Tag, ...]
    implied: tuple[str, ...]
    model: str
    error: str | None = None
    guesses: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Where in a photo the model saw a tag.

    Attributes:
        values: rows of cells in [0, 1], stretched over the whole photo.
        source: the tag whose map it is: the child that set the score of a parent.
    """

    tag: str
    source: str
    score: float
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class AddedTag:
    """A tag that was added to a model; `separation` below 0.9 is weak."""

    tag: str
    model: str
    parents: tuple[str, ...]
    examples: int
    counterexamples: int
    separation: float


class Client:
    """A connection to a service, opened with the first call.

    Args:
        address: such as "http://127.0.0.1:8000".
        key: an API key, where the service needs one.
        model: one of the served models; None is the default of the service.
        timeout: seconds to wait for a response.
        retries: how often a request is repeated when the service is busy.

    Every call raises ServiceError if the service refuses it or cannot be reached, and OSError if a photo cannot be
    opened.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        model: str | None = None,
        timeout: float = 60,
        retries: int = 3,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise ServiceError(f"{address}: expected an address such as http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._address, self._base = address, parts.path.rstrip("/")
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._model, self._retries = model, retries

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def tag(
        self,
        photo: Photo,
        *,
        profile: Profile = "balanced",
        threshold: float | None = None,
        top_k: int | None = None,
        all_scores: bool = False,
    ) -> TaggedPhoto:
        """Tag one photo. If it cannot be read: ServiceError with the kind "unreadable-photo"."""
        query = _tag_query(profile, threshold, top_k, all_scores)
        answer = self._json("POST", "/v1/tag", query, _bytes(photo), "application/octet-stream")
        return _tagged(answer)[0]

    def tag_many(
        self,
        photos: Iterable[Photo],
        *,
        profile: Profile = "balanced",
        threshold: float | None = None,
        top_k: int | None = None,
        all_scores: bool = False,
    ) -> list[TaggedPhoto]:
        """Tag photos in one request, in their order; a photo that cannot be read has an `error`."""
        query = _tag_query(profile, threshold, top_k, all_scores)
        body, kind = _form([("photos", photo) for photo in photos])
        return _tagged(self._json("POST", "/v1/tag", query, body, kind))

    def explain(self, photo: Photo, tag: str, *, opacity: float = 0.55, fine: bool = True) -> bytes:
        """A PNG of the tag's heat map over the photo. `fine=False` is faster and coarser."""
        query = [("tag", tag), ("opacity", str(opacity)), ("fine", str(fine).lower())]
        return self._call("POST", "/v1/explain", query, _bytes(photo), "application/octet-stream")

    def heatmaps(self, photo: Photo, tags: Iterable[str] = (), *, fine: bool = True) -> list[Heatmap]:
        """The heat maps of these tags as numbers; of all tags found if `tags` is empty. `fine` as in `explain`."""
        query = [("form", "array"), ("fine", str(fine).lower()), *(("tag", tag) for tag in tags)]
        answer = self._json("POST", "/v1/explain", query, _bytes(photo), "application/octet-stream")
        return [Heatmap(m["tag"], m["source"], m["score"], tuple(map(tuple, m["values"]))) for m in answer["heatmaps"]]

    def models(self) -> list[dict[str, Any]]:
        """The served models."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/models")["models"]
        return found

    def model(self, name: str) -> dict[str, Any]:
        """One served model with its card, figures and tags."""
        return self._json("GET", f"/v1/models/{quote(name, safe='')}")

    def add_tag(
        self, name: str, positives: Iterable[Photo], negatives: Iterable[Photo] = (), *, parents: Iterable[str] = ()
    ) -> AddedTag:
        """Add a tag from at least 3 photos that show it, and photos that look like it and do not show it."""
        query = [("name", name), *(("parent", parent) for parent in parents)]
        body, kind = _form([*(("photos", photo) for photo in positives), *(("not", photo) for photo in negatives)])
        answer = self._json("POST", "/v1/tags", query, body, kind)
        return AddedTag(**{**answer, "parents": tuple(answer["parents"])})

    def remove_tag(self, name: str) -> None:
        """Remove an added tag."""
        self._call("DELETE", f"/v1/tags/{quote(name, safe='')}")

    def ready(self) -> bool:
        """Whether the service can tag a photo now; False if it cannot be reached."""
        try:
            self._once("GET", "/readyz", None, {})
        except ServiceError:
            return False
        return True

    def _json(
        self, method: str, path: str, query: Sequence[tuple[str, str]] = (), body: bytes | None = None, kind: str = ""
    ) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(method, path, query, body, kind))
        return answer

    def _call(
        self, method: str, path: str, query: Sequence[tuple[str, str]] = (), body: bytes | None = None, kind: str = ""
    ) -> bytes:
        if self._model is not None and not path.startswith("/v1/models"):
            query = [*query, ("model", self._model)]
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Content-Type": kind} if body is not None else {}
        for attempt in range(self._retries + 1):
            try:
                return self._once(method, target, body, headers)
            except _Busy as busy:
                if attempt == self._retries:
                    raise
                time.sleep(busy.seconds)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        try:
            response, content = self._exchange(method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ServiceError(f"{self._address}: cannot be reached: {error or type(error).__name__}") from error
        if response.status < 400:
            return content
        raise _refusal(response, content)

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        reused = self._connection.sock is not None
        try:
            self._connection.request(method, self._base + target, body, {**self._headers, **headers})
            response = self._connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):
            self.close()
            if not reused:
                raise
            return self._exchange(method, target, body, headers)  # the service had closed the idle connection
        return response, response.read()


class _Busy(ServiceError):
    seconds = 1.0


def _refusal(response: http.client.HTTPResponse, content: bytes) -> ServiceError:
    try:
        problem = json.loads(content)
        message, kind = problem["detail"], problem["type"].rpartition(":")[2]
    except (ValueError, KeyError, TypeError):  # from a proxy, not from the service
        message, kind = f"{response.status} {response.reason}", ""
    wait = response.headers.get("Retry-After", "")
    if response.status != 503 or not wait.isdecimal():
        return ServiceError(message, status=response.status, kind=kind)
    busy = _Busy(message, status=response.status, kind=kind)
    busy.seconds = float(wait)
    return busy


def _tag_query(profile: Profile, threshold: float | None, top_k: int | None, all_scores: bool) -> list[tuple[str, str]]:
    options = {"threshold": threshold, "top_k": top_k}
    query = [("profile", profile), *((name, str(value)) for name, value in options.items() if value is not None)]
    return [*query, ("all_scores", "true")] if all_scores else query


def _tagged(answer: dict[str, Any]) -> list[TaggedPhoto]:
    photos = []
    for photo in answer["photos"]:
        tags, guesses = (tuple(Tag(**tag) for tag in photo.get(key, ())) for key in ("tags", "guesses"))
        error = photo["error"]["message"] if "error" in photo else None
        photos.append(TaggedPhoto(tags, tuple(photo.get("implied", ())), answer["model"], error, guesses))
    return photos


def _bytes(photo: Photo) -> bytes:
    return photo if isinstance(photo, bytes) else read_file(photo)


def _form(files: Sequence[tuple[str, Photo]]) -> tuple[bytes, str]:
    """A multipart/form-data body of files, and its media type. File names are not sent."""
    boundary = secrets.token_hex(16)
    parts = []
    for field, photo in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="photo"\r\n\r\n'
        parts += [head.encode(), _bytes(photo), b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"

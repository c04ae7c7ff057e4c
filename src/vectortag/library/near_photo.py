"""The photo that `near:` names: one of the library, by its path or the end of it, or any other file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

from vectortag.core.errors import PhotoError, QueryError
from vectortag.core.file_names import escape_path
from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray
from vectortag.inference.tagger import Tagger
from vectortag.library.folders import new_hash
from vectortag.library.packing import unpack_embeddings
from vectortag.library.query import Named
from vectortag.library.used_model import UsedModel
from vectortag.model.precision import Precision
from vectortag.runtime.pixels import open_photo

ROOTS = "SELECT id, path FROM roots"
IN_ROOT = "SELECT content FROM photos WHERE root = ? AND path = ? AND content IS NOT NULL"
STILL_THERE = f"{IN_ROOT} AND gone IS NULL"
EMBEDDING = "SELECT embedding FROM analyses WHERE content = ? AND model = ?"


def direction_of(database: sqlite3.Connection, model: UsedModel, near: Named) -> FloatArray:
    """The embedding of the photo, (K,) of length 1; the network runs only if the library has never seen it.

    Raises:
        QueryError: there is no such photo, several photos could be meant, or it cannot be read.
    """
    content = _in_library(database, near)
    if content is None:
        content = _of_file(near)
    row = database.execute(EMBEDDING, (content, model.row)).fetchone()
    embedding = _by_network(model, near) if row is None else unpack_embeddings([row[0]])[0]
    return unit(embedding)


def _in_library(database: sqlite3.Connection, near: Named) -> bytes | None:
    wanted = escape_path(os.path.abspath(Path(near.text).expanduser()))  # noqa: PTH100
    roots = database.execute(ROOTS).fetchall()
    for root, path in roots:
        inside = wanted.removeprefix(path.rstrip("/") + "/")
        if inside != wanted and (row := database.execute(IN_ROOT, (root, inside)).fetchone()):
            return bytes(row[0])
    relative = escape_path(near.text)
    rows = [
        database.execute(STILL_THERE, (root, relative)).fetchone() for root, _ in roots
    ]  # by the index of each root
    contents = {bytes(row[0]) for row in rows if row is not None}
    if len(contents) > 1:
        raise QueryError(
            near.at, f'"{near.text}" is a photo in several folders of the library. Write its whole path, from "/" on'
        )
    return contents.pop() if contents else None


def _of_file(near: Named) -> bytes:
    """The hash of a file's content: it may be a copy of a photo in the library."""
    try:
        with open_photo(Path(near.text).expanduser()) as file:
            return hashlib.file_digest(file, new_hash).digest()
    except PhotoError as error:
        raise QueryError(
            near.at,
            f"{error}. Name a photo of the library, by its path in the folder that you added, or any other photo",
        ) from error


def _by_network(model: UsedModel, near: Named) -> FloatArray:
    if model.folder is None:
        raise QueryError(
            near.at,
            f'"{near.text}" is not in the library, and the model "{model.name}" to embed it is not installed. '
            "Name a photo of the library",
        )
    precision: Precision = "exact" if model.precision == "f32" else model.precision
    embedder = Tagger.load(model.folder, size=model.size, precision=precision, additions=False).embedder
    try:
        return embedder.embed(embedder.pixels(Path(near.text).expanduser())[None])[0]
    except PhotoError as error:
        raise QueryError(near.at, f"{error}. Name another photo") from error

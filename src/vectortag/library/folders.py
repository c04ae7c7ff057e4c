"""The roots of a library: folders that a person added, each online or offline.

A root is offline if it is missing, closed, suddenly empty, or if its drive is not mounted. Its photos are then kept as
they are: an unplugged drive says nothing about them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path, is_folder, unescape_path
from vectortag.library.mounts import mount_of
from vectortag.library.schema import transaction
from vectortag.runtime.pixels import open_photo

SAMPLE = 40
"""Photos that are looked for, to find out whether a folder is the one that a library knows."""
HASHED = 8
"""Of these, how many are read and compared by content, where a root moved."""
FITTING = 0.9
"""The share of them that must be there."""

CONTENT_SIZE = 16
"""Bytes of the hash of a photo's content."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of a library.

    Attributes:
        path: absolute.
        why: why it is offline; None if it is online.
        seen: when it was last looked through, in seconds since 1970; None: never.
        mount: the mount point that it was on then.
        mounts: folders below it that were mount points then, relative, with "/".
    """

    id: int
    path: Path
    why: str | None = None
    seen: float | None = None
    mount: str | None = None
    mounts: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """What a library knows of a photo: its path below the root, with "/", bytes, and hash of the content."""

    path: Path
    size: int
    content: bytes


def roots_of(database: sqlite3.Connection) -> list[Root]:
    """The roots, by path."""
    rows = database.execute("SELECT id, path, why, seen, mount, mounts FROM roots ORDER BY path")
    return [
        Root(id, unescape_path(path), why, seen, mount, tuple(json.loads(mounts)))
        for id, path, why, seen, mount, mounts in rows  # noqa: A001
    ]


def add_root(database: sqlite3.Connection, folder: str | Path) -> Root:
    """Add a folder. One within a root is covered already; roots within the folder become parts of it.

    Raises:
        LibraryError: there is no such folder.
    """
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100
    if not is_folder(path):
        raise LibraryError(f"{escape_path(path)}: no such folder. Name the folder that holds the photos")
    with transaction(database):
        roots = roots_of(database)
        covering = [root for root in roots if path.is_relative_to(root.path)]
        if covering:
            return covering[0]
        database.execute("INSERT INTO roots (path) VALUES (?)", (escape_path(path),))
        added = next(root for root in roots_of(database) if root.path == path)
        for inner in (root for root in roots if root.path.is_relative_to(path)):
            prefix = escape_path(inner.path.relative_to(path).as_posix()) + "/"
            database.execute(
                "UPDATE photos SET root = ?, path = ? || path WHERE root = ?", (added.id, prefix, inner.id)
            )
            database.execute("DELETE FROM roots WHERE id = ?", (inner.id,))
    return added


def find_root(database: sqlite3.Connection, folder: str | Path) -> Root:
    """The root of this path.

    Raises:
        LibraryError: the library has no such root.
    """
    path = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100
    roots = roots_of(database)
    for root in roots:
        if root.path == path:
            return root
    known = ", ".join(escape_path(root.path) for root in roots) or "none"
    raise LibraryError(f"{escape_path(path)}: is not a folder of this library. Its folders: {known}")


def remove_root(database: sqlite3.Connection, folder: str | Path) -> int:
    """Forget a root and its photos; decisions about their content are kept. Returns the number of photos.

    Raises:
        LibraryError: the library has no such root.
    """
    root = find_root(database, folder)
    with transaction(database):
        (count,) = database.execute("SELECT count(*) FROM photos WHERE root = ?", (root.id,)).fetchone()
        database.execute("DELETE FROM roots WHERE id = ?", (root.id,))
        forget_unused(database)
    return int(count)


def forget_unused(database: sqlite3.Connection) -> None:
    """Delete the analyses of contents that no photo has."""
    kept = "NOT IN (SELECT content FROM photos WHERE content IS NOT NULL)"
    database.execute(f"DELETE FROM analyses WHERE content {kept}")
    database.execute(f"DELETE FROM shown WHERE content {kept}")


def relocate_root(database: sqlite3.Connection, old: str | Path, new: str | Path) -> Root:
    """Follow a root that was moved. Some of its photos are looked for in the new folder first, by size and content.

    Raises:
        LibraryError: the library has no such root, or the folder does not hold its photos.
    """
    root, path = find_root(database, old), Path(os.path.abspath(Path(new).expanduser()))  # noqa: PTH100
    if not is_folder(path):
        raise LibraryError(f"{escape_path(path)}: no such folder. Name the folder where the photos are now")
    for other in roots_of(database):
        if other.id != root.id and (path.is_relative_to(other.path) or other.path.is_relative_to(path)):
            raise LibraryError(f"{escape_path(path)}: overlaps {escape_path(other.path)}, a folder of this library")
    known = _sample(database, root)
    there = [photo for photo in known if _has_size(path, photo)]
    if len(there) < FITTING * len(known):
        raise LibraryError(
            f"{escape_path(path)}: holds {len(there)} of {len(known)} photos of {escape_path(root.path)} that were "
            "looked for. Name the folder that holds them in the same subfolders"
        )
    for photo in there[:HASHED]:
        if content_of(path / photo.path) != photo.content:
            raise LibraryError(
                f"{escape_path(path / photo.path)}: is not the photo that was in {escape_path(root.path)}. Name the "
                "folder that holds the same photos, or add this one: vectortag library add"
            )
    with transaction(database):
        database.execute(
            "UPDATE roots SET path = ?, state = 'online', why = NULL, mount = ?, mounts = '[]' WHERE id = ?",
            (escape_path(path), escape_path(mount_of(path).point), root.id),
        )
    return find_root(database, path)


def content_of(path: Path) -> bytes:
    """The hash of a file's bytes.

    Raises:
        PhotoError: it cannot be read.
    """
    with open_photo(path) as file:
        return hashlib.file_digest(file, new_hash).digest()


def new_hash() -> hashlib.blake2b:
    """The hash that names contents in a library."""
    return hashlib.blake2b(digest_size=CONTENT_SIZE)


def why_offline(database: sqlite3.Connection, root: Root) -> str | None:
    """Why a root is offline, as far as that shows before it is looked through; None if it is online."""
    try:
        with os.scandir(root.path):
            pass
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if root.mount is None or escape_path(mount_of(root.path).point) == root.mount:
        return None
    return None if fits(database, root) else f"it was on {root.mount}, which is not mounted there now"


def lost_mounts(database: sqlite3.Connection, root: Root) -> tuple[str, ...]:
    """Folders below a root that were mount points and are none now, and do not hold the photos that were there."""
    lost = (folder for folder in root.mounts if not os.path.ismount(root.path / unescape_path(folder)))
    return tuple(folder for folder in lost if not fits(database, root, folder))


def fits(database: sqlite3.Connection, root: Root, folder: str = "") -> bool:
    """Whether a sample of the photos below a root, or a folder in it, is there with the same sizes."""
    known = _sample(database, root, folder)
    return sum(_has_size(root.path, photo) for photo in known) >= max(1, FITTING * len(known))


def _sample(database: sqlite3.Connection, root: Root, folder: str = "") -> list[KnownPhoto]:
    low, high = (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")
    rows = database.execute(
        "SELECT path, size, content FROM photos WHERE root = ? AND path >= ? AND path < ? AND gone IS NULL "
        "AND content IS NOT NULL ORDER BY random() LIMIT ?",
        (root.id, low, high, SAMPLE),
    )
    return [KnownPhoto(unescape_path(path), size, content) for path, size, content in rows]


def _has_size(folder: Path, photo: KnownPhoto) -> bool:
    try:
        return (folder / photo.path).stat().st_size == photo.size
    except (OSError, ValueError):
        return False


def covering_root(roots: Iterable[Root], path: Path) -> Root | None:
    """The root that an absolute path is in."""
    return next((root for root in roots if path.is_relative_to(root.path)), None)

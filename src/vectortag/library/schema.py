"""The database of a library: its tables, how it is opened, and how an older one is brought to today's version.

Version 1 is the first. `STEPS[n]` brings a database from version n to n + 1; an empty file is version 0. A step that
was released is never changed.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path, is_missing
from vectortag.core.files import require_regular
from vectortag.core.writing import cannot_write, temporary_beside
from vectortag.library.mounts import mount_of

log = logging.getLogger(__name__)

APPLICATION_ID = 0x56546C62
"""Stands in the header of the file, so that it is not taken for another program's: "VTlb"."""

PAGE_SIZE = 16384
"""Bytes. A row of `analyses` has about 1.8 kB, and nine fit. Of SQLite's 4096, two rows leave an eighth unused."""

PATIENCE = 30.0
"""Seconds to wait for another process that writes."""

VERSION_1 = """
CREATE TABLE roots (             -- the folders that a person added
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,   -- absolute; every path here is escaped as core/file_names does
    state TEXT NOT NULL DEFAULT 'online' CHECK (state IN ('online', 'offline')),
    why TEXT,                    -- why it is offline
    seen REAL,                   -- when it was last looked through; seconds since 1970, as all times here
    mount TEXT,                  -- the mount point that it was on then
    mounts TEXT NOT NULL DEFAULT '[]'  -- JSON: folders below it that were mount points then, relative
);
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,
    root INTEGER NOT NULL REFERENCES roots ON DELETE CASCADE,
    path TEXT NOT NULL,          -- relative to the root, with "/"
    size INTEGER NOT NULL,       -- bytes
    mtime_ns INTEGER NOT NULL,
    sidecar_ns INTEGER NOT NULL DEFAULT 0,  -- the latest change of its XMP sidecars; 0: it has none
    content BLOB,                -- blake2b of the bytes, 16 bytes; NULL until they are read, and where they cannot be
    taken TEXT,                  -- local time by its EXIF data, "2024-07-31T18:00:05"
    latitude REAL, longitude REAL,  -- degrees, north and east positive
    orientation INTEGER, width INTEGER, height INTEGER,  -- pixels as displayed, upright
    rating INTEGER,              -- -1 (rejected) to 5
    error TEXT,                  -- why it cannot be read
    added REAL NOT NULL,
    gone REAL,                   -- since when there is no such file; NULL: it is there
    UNIQUE (root, path)
);
CREATE INDEX photos_by_content ON photos (content) WHERE content IS NOT NULL;
CREATE INDEX photos_by_date ON photos (taken) WHERE taken IS NOT NULL;
CREATE INDEX photos_to_read ON photos (root, path) WHERE content IS NULL AND error IS NULL AND gone IS NULL;
CREATE INDEX photos_gone ON photos (content) WHERE gone IS NOT NULL;
CREATE TABLE keywords (          -- a person's own, without what VectorTag wrote
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    keyword TEXT NOT NULL,
    PRIMARY KEY (photo, keyword)
) WITHOUT ROWID;
CREATE INDEX photos_by_keyword ON keywords (keyword);
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,          -- of the manifest
    digest TEXT NOT NULL,        -- of the model folder
    network_digest TEXT NOT NULL,  -- of the network's file: models with the same one share embeddings
    precision TEXT NOT NULL,
    size INTEGER NOT NULL,       -- pixels a side of the network's input
    tags TEXT NOT NULL,          -- JSON list: the model's own in the manifest's order, then the added ones
    prints TEXT NOT NULL,        -- JSON list: what the scores of each tag depend on besides the model folder
    thresholds TEXT NOT NULL,    -- JSON list, of the library's profile; null: never shown
    parents TEXT NOT NULL,       -- JSON object: each added tag and the tags that it implies
    UNIQUE (digest, precision, size)
);
CREATE TABLE analyses (          -- by content: photos that were moved or copied cost nothing
    content BLOB NOT NULL,
    model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    scores BLOB NOT NULL,        -- see packing.py
    embedding BLOB NOT NULL,
    made REAL NOT NULL,
    PRIMARY KEY (content, model)
);
CREATE TABLE shown (             -- the scores from the lower of threshold and 0.05 on, parents raised; exact
    model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    tag INTEGER NOT NULL,        -- its index in models.tags
    content BLOB NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (model, tag, content)
) WITHOUT ROWID;
CREATE TABLE decisions (         -- a person's, which outlive every analysis
    content BLOB NOT NULL,
    tag TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
    renamed_to TEXT,
    at REAL NOT NULL,
    UNIQUE (content, tag)
);
CREATE TABLE written (           -- what VectorTag wrote into sidecars
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    sidecar TEXT NOT NULL,
    tags TEXT NOT NULL,          -- JSON: a Record of keyword_fields.py
    digest BLOB NOT NULL,        -- of the sidecar as it was written
    at REAL NOT NULL,
    PRIMARY KEY (photo, sidecar)
);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;  -- values are JSON
"""

STEPS: tuple[str, ...] = (VERSION_1,)


def open_database(file: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open a library's database, in autocommit mode, and bring it to today's version.

    An older one is copied to `NAME.v1.backup` first. One thread at a time may use the connection.

    Args:
        file: its folder is made, too, if it is missing.
        create: make a new one if there is none.

    Raises:
        LibraryError: the file is not a library, is damaged, is of a newer version, or cannot be opened.
    """
    if not create and is_missing(file):
        raise LibraryError(f"{escape_path(file)}: no library. Make one with: vectortag library add FOLDER")
    try:
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
        if not is_missing(file):
            require_regular(file)
    except OSError as error:
        raise LibraryError(f"{escape_path(file)}: the library cannot be used: {error.strerror}") from error
    with explained(file), ExitStack() as stack:
        database = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        stack.callback(database.close)
        _set_up(database, file)
        stack.pop_all()
    return database


def _set_up(database: sqlite3.Connection, file: Path) -> None:
    version, application = _number(database, "user_version"), _number(database, "application_id")
    holds_tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    if holds_tables and application != APPLICATION_ID:
        raise LibraryError(f"{escape_path(file)}: is a database of another program. Name another file with --library")
    if version > len(STEPS):
        raise LibraryError(
            f"{escape_path(file)}: is of version {version}, and this VectorTag reads up to {len(STEPS)}. "
            "Install a newer version of VectorTag"
        )
    if not holds_tables:
        database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    _choose_journal(database, file)
    database.execute("PRAGMA synchronous = NORMAL")
    if version < len(STEPS):
        if holds_tables:
            back_up(database, file, file.with_name(f"{file.name}.v{version}.backup"))
        _migrate(database)
    database.execute("PRAGMA foreign_keys = ON")  # not before: a step may build a table anew


def _choose_journal(database: sqlite3.Connection, file: Path) -> None:
    """A write-ahead log, beside which others read; its shared memory does not work over a network."""
    mount = mount_of(file)
    if mount.is_network:
        log.warning(
            "%s: is on a network file system (%s), so nothing can be searched at the moments when an update writes",
            escape_path(file),
            mount.kind,
        )
    database.execute(f"PRAGMA journal_mode = {'DELETE' if mount.is_network else 'WAL'}")


def _migrate(database: sqlite3.Connection) -> None:
    """Take all steps in one transaction. Another process may have taken them meanwhile."""
    with transaction(database):
        for number in range(_number(database, "user_version"), len(STEPS)):
            for statement in _statements(STEPS[number]):
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {len(STEPS)}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script. `executescript` would commit the transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if pending.strip() and sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])


def back_up(database: sqlite3.Connection, file: Path, copy: Path) -> None:
    """Copy the database of `file` to `copy`, whole and at one moment, while others may use it.

    Raises:
        OutputError: the copy cannot be written.
    """
    try:
        temporary = temporary_beside(copy)
        try:
            with closing(sqlite3.connect(temporary)) as target:
                database.backup(target)
            temporary.replace(copy)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(copy, error) from error
    log.info("%s: copied to %s", escape_path(file), escape_path(copy.name))


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing. Other processes that write are waited for, so that none sees what another is about to."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.rollback()
        raise


WRITES = (
    ". SQLite writes beside the file even for a search. Make the file and its folder writable, or copy the file "
    "elsewhere and name it with --library"
)
HINTS = {
    sqlite3.SQLITE_READONLY: WRITES,
    sqlite3.SQLITE_CANTOPEN: WRITES,
    sqlite3.SQLITE_FULL: ". Make room on the disk. What was done before is kept",
    sqlite3.SQLITE_BUSY: ". Another program keeps the file locked. Try again when it has ended",
}
"""What to do, by SQLite's primary error codes."""


@contextlib.contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn what SQLite says of the file into a LibraryError; a damaged file is examined, and left as it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        hint = HINTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")  # the lowest byte is the kind of error
        raise LibraryError(f"{escape_path(file)}: the library cannot be used: {error}{hint}") from error
    except (sqlite3.DatabaseError, UnicodeError) as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            raise
        raise LibraryError(
            f"{escape_path(file)}: the library is damaged: {'; '.join(find_damage(file)) or error}. The file is left "
            "as it is. Put a backup in its place, or move it away and add your folders again"
        ) from error


def find_damage(file: Path, *, most: int = 3) -> list[str]:
    """What SQLite's own check finds wrong with a library's file; [] if nothing is.

    Args:
        most: the number of findings to return.
    """
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as database:
            findings = [str(row[0]) for row in database.execute(f"PRAGMA integrity_check({most})")]
            findings += [f"a row of {row[0]} refers to none of {row[2]}" for row in _orphans(database, most)]
    except (sqlite3.Error, UnicodeError) as error:
        return [str(error)]
    return [" ".join(one.split()) for one in findings if one != "ok"][:most]


def _orphans(database: sqlite3.Connection, most: int) -> list[tuple[str, int, str, int]]:
    return database.execute("PRAGMA foreign_key_check").fetchmany(most)

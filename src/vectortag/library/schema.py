"""The database of a library: how it is opened, and how an older one is brought to today's version."""

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
from vectortag.library.packing import pack_codes
from vectortag.library.versions import STEPS

log = logging.getLogger(__name__)

APPLICATION_ID = 0x56546C62
"""Stands in the header of the file, so that it is not taken for another program's: "VTlb"."""

PAGE_SIZE = 16384
"""Bytes. A row of `analyses` has about 1.5 kB, and ten fit. Of SQLite's 4096, two rows leave a quarter unused."""

PATIENCE = 30.0
"""Seconds to wait for another process that writes."""


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
        _migrate(database, file)
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


def _migrate(database: sqlite3.Connection, file: Path) -> None:
    """Copy the file, and take all steps in one transaction. Another process may have taken them meanwhile."""
    database.create_function("pack_codes", 1, pack_codes, deterministic=True)
    with transaction(database):
        version = _number(database, "user_version")
        if version > 0:
            with closing(sqlite3.connect(file)) as other:  # SQLite copies no database that its connection writes
                back_up(other, file, file.with_name(f"{file.name}.v{version}.backup"))
            log.info("%s: brought from version %d to version %d", escape_path(file), version, len(STEPS))
        for number in range(version, len(STEPS)):
            for statement in _statements(STEPS[number]):
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
    if 0 < version < len(STEPS):
        _shrink(database, file)


def _shrink(database: sqlite3.Connection, file: Path) -> None:
    """Give the room that a step has freed back to the disk. Where that fails, the file is as good, but larger."""
    try:
        database.execute("VACUUM")
    except sqlite3.OperationalError as error:
        log.warning("%s: the file stays larger than it need be: %s", escape_path(file), error)


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

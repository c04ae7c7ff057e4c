"""The class Library: the one front door of a photo library, for the command line, the page, the service and Python."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any

from vectortag.library.schema import default_file, open_database, transaction


class Library:
    """A photo library in one SQLite file.

    with Library.open() as library: library.add("~/Pictures"); library.update()

    Attributes:
        file: the SQLite file.
        database: the open connection, in autocommit mode; see `vectortag.library.schema` for its tables.
    """

    def __init__(self, file: Path, database: sqlite3.Connection) -> None:
        self.file = file
        self.database = database

    @classmethod
    def open(cls, file: str | Path | None = None, *, create: bool = True) -> Library:
        """Open a library.

        Args:
            file: its SQLite file; None is `library.sqlite` in the user's data folder.
            create: make a new one if there is none.

        Raises:
            LibraryError: there is none, or the file is not a library, is damaged, or is of a newer version.
        """
        path = default_file() if file is None else Path(file)
        return cls(path, open_database(path, create=create))

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def setting(self, key: str, default: Any = None) -> Any:
        """A setting's value, as JSON gives it: `only`, `not`, `renames`, `parent`, `model`, `profile`."""
        row = self.database.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def change_setting(self, key: str, value: Any) -> None:
        """Keep a value that JSON can hold; None forgets it."""
        with transaction(self.database):
            if value is None:
                self.database.execute("DELETE FROM settings WHERE key = ?", (key,))
            else:
                self.database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    @property
    def model_row(self) -> int | None:
        """The row of `models` with which the library was last updated; None before the first photo."""
        row: int | None = self.setting("model_row")
        return row

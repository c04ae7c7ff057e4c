"""The photo library as all sessions share it: one connection, used by one session at a time."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectortag.apps.ui.library_query import ON_A_PAGE
from vectortag.apps.ui.settings import Settings
from vectortag.core.file_names import is_missing
from vectortag.core.folders import library_file
from vectortag.library.library import Library
from vectortag.library.query import Node
from vectortag.library.search import SearchResult
from vectortag.library.stats import LibraryStats


class OpenLibrary:
    """A library, and what was counted in it."""

    def __init__(self, file: Path) -> None:
        self._library = Library.open(file, create=False)
        self._lock = threading.RLock()
        self._counted: tuple[tuple[int, int], LibraryStats] | None = None

    @contextmanager
    def using(self) -> Iterator[Library]:
        """The library, for this thread alone."""
        with self._lock:
            yield self._library

    def page(self, query: Node, number: int) -> SearchResult:
        """The photos of a page of the results, the first is 1; only these are read. Fails as `Library.search`."""
        with self.using() as library:
            return library.search(query, top=ON_A_PAGE, skip=(number - 1) * ON_A_PAGE)

    def rows(self, query: Node) -> list[int]:
        """The rows of all photos found; fails as `Library.search`."""
        with self.using() as library:
            return [match.photo for match in library.search(query, top=None).matches]

    def tags(self) -> list[str]:
        """The tags of the model that the library was updated with, by name; none before the first update."""
        with self.using() as library:
            found = library.database.execute("SELECT tags FROM models WHERE id = ?", (library.model_row,)).fetchone()
        return sorted(json.loads(found[0])) if found else []

    def stats(self) -> LibraryStats:
        """What the library holds; counted again only after it has changed."""
        with self.using() as library:
            database = library.database
            (version,) = database.execute("PRAGMA data_version").fetchone()  # another process has written
            state = (version, database.total_changes)
            if self._counted is None or self._counted[0] != state:
                self._counted = state, library.stats()
            return self._counted[1]


def file_of(settings: Settings) -> Path | None:
    """The library to show; None if none is named and the user has none."""
    if settings.library is not None:
        return settings.library
    return None if is_missing(library_file()) else library_file()


@functools.cache
def open_library(file: Path) -> OpenLibrary:
    """One per file for all sessions.

    Raises:
        LibraryError: it cannot be opened.
    """
    return OpenLibrary(file)

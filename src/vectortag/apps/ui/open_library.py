"""The photo library as all sessions share it: one connection, used by one session at a time."""

from __future__ import annotations

import functools
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectortag.apps.ui.library_query import ON_A_PAGE
from vectortag.apps.ui.settings import Settings
from vectortag.core.errors import LibraryError
from vectortag.core.file_names import is_missing
from vectortag.core.folders import library_file
from vectortag.library.library import Library
from vectortag.library.query import Node
from vectortag.library.search import SearchResult
from vectortag.library.stats import LibraryStats

log = logging.getLogger(__name__)

State = tuple[int, int]
"""How often the database was changed, by others and by this process."""


class OpenLibrary:
    """A library, and what was counted in it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._library = Library.open(file, create=False)
        self._lock = threading.RLock()
        self._counted: tuple[State, LibraryStats] | None = None
        self._counter: threading.Thread | None = None

    @contextmanager
    def using(self) -> Iterator[Library]:
        """The library, for this thread alone."""
        with self._lock:
            yield self._library

    def page(self, query: Node | None, number: int) -> SearchResult:
        """The photos of a page of the results, the first is 1; only these are read. Fails as `Library.search`.

        Args:
            query: None: all photos, newest first.
        """
        skip = (number - 1) * ON_A_PAGE
        with self.using() as library:
            if query is None:
                return library.newest(top=ON_A_PAGE, skip=skip)
            return library.search(query, top=ON_A_PAGE, skip=skip)

    def rows(self, query: Node | None) -> list[int]:
        """The rows of all photos found; fails as `Library.search`."""
        with self.using() as library:
            if query is None:
                return [match.photo for match in library.newest(top=sys.maxsize).matches]
            return [match.photo for match in library.search(query, top=None).matches]

    def tags(self) -> list[str]:
        """The tags of the model that the library was updated with, by name; none before the first update."""
        with self.using() as library:
            found = library.database.execute("SELECT tags FROM models WHERE id = ?", (library.model_row,)).fetchone()
        return sorted(json.loads(found[0])) if found else []

    def counted(self) -> LibraryStats | None:
        """What the library held when it was last counted, None before; after a change it is counted in the background.

        Counting takes seconds where there are 100,000 photos, and no page waits for it.
        """
        state, known = self._state(), self._counted
        if not self.is_counting and (known is None or known[0] != state):
            self._counter = threading.Thread(target=self._count, args=(state,), daemon=True)
            self._counter.start()
        return None if known is None else known[1]

    @property
    def is_counting(self) -> bool:
        """Whether it is being counted now."""
        return self._counter is not None and self._counter.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is counted, or for so long."""
        if self._counter is not None:
            self._counter.join(seconds)

    def _state(self) -> State:
        with self.using() as library:
            (version,) = library.database.execute("PRAGMA data_version").fetchone()  # another process has written
            return version, library.database.total_changes

    def _count(self, state: State) -> None:
        try:
            with Library.open(self.file, create=False) as own:
                self._counted = state, own.stats()
        except LibraryError as error:
            log.warning("%s. It was not counted", error)


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

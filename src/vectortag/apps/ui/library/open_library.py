"""The photo library as all sessions share it: one connection, used by one session at a time."""

from __future__ import annotations

import functools
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vectortag.apps.ui.library.jobs import Jobs
from vectortag.apps.ui.library.page_query import ON_A_PAGE
from vectortag.apps.ui.settings import Settings
from vectortag.core.errors import LibraryError
from vectortag.core.file_names import is_missing
from vectortag.core.folders import library_file
from vectortag.library.changes import Change
from vectortag.library.duplicates import DuplicateGroup
from vectortag.library.library import Library
from vectortag.library.query import Node
from vectortag.library.search import SearchResult
from vectortag.library.stats import LibraryStats
from vectortag.library.suggestions import Names

log = logging.getLogger(__name__)

MOST_CHANGES = 20
"""That can be undone, the last one first, until the server ends."""

AROUND = 12
"""Photos of the strip on either side of the open one."""

State = tuple[int, int]
"""How often the database was changed, by others and by this process."""


class OpenLibrary:
    """A library, what was counted in it, and its jobs.

    Attributes:
        jobs: the work in the background.
        duplicates: what was found when it was last looked for; None before.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._library = Library.open(file, create=False)
        self._lock = threading.RLock()
        self.jobs = Jobs()
        self.duplicates: list[DuplicateGroup] | None = None
        self._changes: list[Change] = []
        self._names: tuple[LibraryStats, Names] | None = None
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
        """The rows of all photos found, in their order; fails as `Library.search`."""
        with self.using() as library:
            return library.rows(query)

    def around(self, query: Node | None, place: int) -> SearchResult:
        """The photos before and behind one of those found, for a strip; fails as `Library.search`.

        Args:
            place: of the photo among all that were found, from 0.
        """
        skip = max(0, place - AROUND)
        with self.using() as library:
            if query is None:
                return library.newest(top=place + AROUND + 1 - skip, skip=skip)
            return library.search(query, top=place + AROUND + 1 - skip, skip=skip)

    def tags(self) -> list[str]:
        """The tags of the model that the library was updated with, and the person's own, by name.

        Without a model, or before the first update, there are none.
        """
        with self.using() as library:
            found = library.database.execute("SELECT tags FROM models WHERE id = ?", (library.model_row,)).fetchone()
            return sorted([*json.loads(found[0]), *library.own_tags()], key=str.casefold) if found else []

    def change(self, decide: Callable[[Library], Change]) -> None:
        """Decide on tags of many photos, and remember that for `undo`; fails as `decide`."""
        with self.using() as library:
            self._changes = [*self._changes[1 - MOST_CHANGES :], decide(library)]

    @property
    def last_change(self) -> Change | None:
        """What `undo` takes back; None if there is nothing."""
        return self._changes[-1] if self._changes else None

    def undo(self) -> None:
        """Take back the last change that is not taken back yet; fails as `Library.undo`."""
        with self.using() as library:
            if self._changes:
                library.undo(self._changes[-1])
                del self._changes[-1]

    def counted(self) -> LibraryStats | None:
        """What the library held when it was last counted, None before; after a change it is counted in the background.

        Counting takes seconds where there are 100,000 photos, and no page waits for it.
        """
        state, known = self._state(), self._counted
        if not self.is_counting and (known is None or known[0] != state):
            self._counter = threading.Thread(target=self._count, args=(state,), daemon=True)
            self._counter.start()
        return None if known is None else known[1]

    def names(self) -> Names:
        """What a query can name, for suggestions, as it was when it was last counted."""
        counted = self.counted()
        tags = dict.fromkeys(self.tags(), 0)
        if counted is None:
            return Names(tags=tags)
        if self._names is None or self._names[0] is not counted:
            models = {name.partition("@")[0]: count for name, count in counted.models.items()}
            named = Names({**tags, **counted.tags}, counted.keywords, counted.folders, counted.years, models)
            self._names = counted, named
        return self._names[1]

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

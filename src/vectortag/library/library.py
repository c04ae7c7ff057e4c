"""The class Library: the one front door of a photo library, for the command line, the page, the service and Python."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path
from vectortag.core.folders import library_file
from vectortag.inference.tagger import Tagger
from vectortag.library import folders
from vectortag.library.analyses import use_model
from vectortag.library.chosen_networks import choose_encoder, choose_model
from vectortag.library.curation import Curation
from vectortag.library.duplicates import Duplicates, Kind, find_duplicates
from vectortag.library.folders import Root, roots_of
from vectortag.library.library_encoder import LibraryEncoder, encode_photos
from vectortag.library.lists import StoredSettings
from vectortag.library.one_photo import LibraryPhoto, photo_of
from vectortag.library.query import Node
from vectortag.library.schema import back_up, explained, find_damage, open_database, transaction
from vectortag.library.search import SearchResult, found_rows, newest, search
from vectortag.library.searched import SearchCache
from vectortag.library.stats import LibraryStats, stats_of
from vectortag.library.status import LibraryStatus, status_of, unreadable_photos
from vectortag.library.teaching import Teaching
from vectortag.library.update import Update, Updated
from vectortag.library.update_lock import update_lock
from vectortag.model.calibration import Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.library.import_parquet import Imported


class Library(Curation, Teaching):
    """A photo library in one SQLite file.

    with Library.open() as library:
        library.add("~/Pictures")
        library.update()

    Attributes:
        file: the SQLite file.
        database: the open connection, in autocommit mode; see `vectortag.library.versions` for its tables.
    """

    def __init__(self, file: Path, database: sqlite3.Connection) -> None:
        self.file = file
        self.database = database
        self._searches = SearchCache(database, file)

    @classmethod
    def open(cls, file: str | Path | None = None, *, create: bool = True) -> Library:
        """Open a library.

        Args:
            file: its SQLite file; None is `library.sqlite` in the user's data folder.
            create: make a new one if there is none.

        Raises:
            LibraryError: there is none, or the file is not a library, is damaged, or is of a newer version.
        """
        path = library_file() if file is None else Path(file)
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
        return StoredSettings(self.database).setting(key, default)

    def change_setting(self, key: str, value: Any) -> None:
        """Keep a value that JSON can hold; None forgets it."""
        with explained(self.file), transaction(self.database):
            if value is None:
                self.database.execute("DELETE FROM settings WHERE key = ?", (key,))
            else:
                self.database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    @property
    def model_row(self) -> int | None:
        """The row of `models` whose scores the library shows; None before the first update."""
        row: int | None = self.setting("model_row")
        return row

    def roots(self) -> list[Root]:
        """The folders of the library, by path."""
        with explained(self.file):
            return roots_of(self.database)

    def add(self, folder: str | Path) -> Root:
        """Add a folder with all below it; `update` reads its photos. Returns the root that covers it.

        Raises:
            LibraryError: there is no such folder.
        """
        with explained(self.file):
            return folders.add_root(self.database, folder)

    def remove(self, folder: str | Path) -> int:
        """Forget a folder and its photos, on disk they stay. Returns the number of photos.

        Raises:
            LibraryError: it is no folder of the library.
        """
        with explained(self.file):
            return folders.remove_root(self.database, folder)

    def relocate(self, old: str | Path, new: str | Path) -> Root:
        """Follow a folder that was moved, with all that is known of its photos.

        Raises:
            LibraryError: `old` is no folder of the library, or `new` does not hold its photos.
        """
        with explained(self.file):
            return folders.relocate_root(self.database, old, new)

    def update(
        self,
        *,
        model: str | Path | ModelFolder | None = None,
        profile: Profile | None = None,
        encoder: str | Path | Literal[False] | None = None,
        prune: bool = False,
        retry: bool = False,
        threads: int | None = None,
        max_pixels: int | None = None,
        stop: Callable[[], bool] = bool,
        progress: Callable[[int, int], None] | None = None,
    ) -> Updated:
        """Read and analyse what is new or changed, and note what is gone. A second process waits for the first.

        Args:
            model, profile, encoder: None: those of the last update. Others are kept for the next one. The encoder is a
                person's own, which reads sentences in the place of the model; False: none.
            prune: forget photos that are gone, and what other models computed.
            retry: try photos again that could not be read.
            threads, max_pixels: as for `vectortag.inference.tagger.Tagger.load`.
            stop: asked before each photo; True ends the update after the photos in hand.
            progress: called with the photos that are done and all that were to do.

        Raises:
            LibraryError: the library's file cannot be used.
            UnknownModelError, ModelFolderError: as `Tagger.load`; or the encoder's folder is refused.
        """
        with explained(self.file), update_lock(self.file, stop=stop) as held:
            if not held:
                return Updated(stopped=True)
            loaded, own = choose_model(self, model, profile), choose_encoder(self, encoder)
            options: dict[str, Any] = {"threads": threads, "max_pixels": max_pixels, "stop": stop, "progress": progress}
            run = Update(self.database, loaded, **options)
            kept = [row for row in [self.setting("encoder_row")] if row is not None]
            done = run.run(prune=prune, retry=retry, keep=kept)
            if run.row and run.row != self.model_row and (self.model_row is None or not done.left):
                self.change_setting("model_row", run.row)
            if own is not None and not done.stopped:
                encode_photos(self, Update(self.database, LibraryEncoder(own), **options), done)
            return done

    def import_embeddings(
        self,
        files: Iterable[str | Path],
        *,
        model: str | Path | ModelFolder | None = None,
        profile: Profile | None = None,
        stop: Callable[[], bool] = bool,
    ) -> Imported:
        """Take the embeddings of Parquet files, so that `update` need not run the network for what they hold.

        Args:
            files: as `vectortag tag --format parquet --embeddings` writes them.
            model, profile, stop: as for `update`.

        Raises:
            LibraryError: a file is none of these, or of another model; or the library's file cannot be used.
            MissingExtraError: pyarrow is not installed.
        """
        from vectortag.library.import_parquet import Imported, import_embeddings  # here, since few import

        with explained(self.file), update_lock(self.file, stop=stop) as held:
            if not held:
                return Imported()
            loaded = choose_model(self, model, profile)
            row = use_model(self.database, loaded)
            return import_embeddings(self.database, row, loaded, map(Path, files))

    def status(self) -> LibraryStatus:
        """What the library holds. No folder is looked at."""
        with explained(self.file):
            return status_of(self.database, self.file, self.model_row)

    def search(
        self,
        query: str | Node,
        *,
        top: int | None = 20,
        skip: int = 0,
        offline: bool = False,
        language: Language | None = None,
    ) -> SearchResult:
        """Find photos, best first; docs/search.md has the language.

        Args:
            query: such as "dog and (beach or snow) not person".
            top: the number of photos to return; None: all.
            skip: the number of better ones to leave out before, as for a later page.
            offline: also find photos whose folder is not there now.
            language: whose names of tags are understood and shown; None: that of the library's lists.

        Raises:
            QueryError: the query cannot be read, or names what is not there; it has the column.
            MissingExtraError, WordsError: a sentence of the query cannot be read.
        """
        with explained(self.file):
            row = self.model_row
            return search(self._searches, query, model_row=row, top=top, skip=skip, offline=offline, language=language)

    def rows(self, query: str | Node | None = None, *, offline: bool = False) -> list[int]:
        """The rows of all photos that a query finds, in the order of `search`; fails as that.

        Args:
            query: None: all photos, newest first.
        """
        with explained(self.file):
            return found_rows(self._searches, query, model_row=self.model_row, offline=offline)

    def newest(self, *, top: int, skip: int = 0) -> SearchResult:
        """All photos, newest first, without a search; `top` and `skip` are as for `search`."""
        with explained(self.file):
            return newest(self._searches, top=top, skip=skip)

    def photo(self, row: int) -> LibraryPhoto | None:
        """What is known of a photo, by its row as a `Match` has it; None if there is none, or if its file is gone."""
        with explained(self.file):
            return photo_of(self.database, row)

    def duplicates(self, kinds: Iterable[Kind] = ("same", "alike", "burst")) -> Duplicates:
        """Find photos that show one picture: of the same content, copies that were changed, bursts."""
        with explained(self.file):
            return find_duplicates(self._searches.searched(model_row=self.model_row, offline=False), kinds)

    def stats(self) -> LibraryStats:
        """Count what the library holds."""
        with explained(self.file):
            return stats_of(self._searches.searched(model_row=self.model_row, offline=True))

    def tagger(self, *, threads: int | None = None, max_pixels: int | None = None) -> Tagger:
        """Load the model of the library, with its network, for heat maps.

        Raises:
            UnknownModelError, ModelFolderError: as `Tagger.load`.
        """
        profile: Profile = self.setting("profile", "balanced")
        return Tagger.load(self.setting("model"), profile=profile, threads=threads, max_pixels=max_pixels)

    def errors(self) -> list[tuple[Path, str]]:
        """The photos that cannot be read, and why."""
        with explained(self.file):
            return unreadable_photos(self.database)

    def check(self) -> None:
        """Check the whole file; this takes seconds per gigabyte.

        Raises:
            LibraryError: it is damaged.
        """
        if found := find_damage(self.file):
            raise LibraryError(f"{escape_path(self.file)}: the library is damaged: {'; '.join(found)}")

    def back_up(self, copy: str | Path) -> None:
        """Copy the library to a file, whole, also while others use it.

        Raises:
            OutputError: the copy cannot be written.
        """
        with explained(self.file):
            back_up(self.database, self.file, Path(copy))

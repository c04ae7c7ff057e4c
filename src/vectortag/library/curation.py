"""What a person says of the photos of a library, and how it reaches other programs: decisions, lists, sidecars."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectortag.library.decisions import Verdict, apply_decisions, decide, known_photo, note_corrections, withdraw
from vectortag.library.library_sidecars import LibrarySidecars, StoredScores, choice_of, require_row
from vectortag.library.lists import TagNames, keep_names, names_of
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.schema import explained
from vectortag.library.write_xmp import Choice, Outcome, SidecarWriter
from vectortag.model.registry import find_model_folder
from vectortag.personal.corrections import Correction


class Curation:
    """The part of the class Library that is about a person's word on tags."""

    file: Path
    database: sqlite3.Connection

    if TYPE_CHECKING:  # Library has these

        def setting(self, key: str, default: Any = None) -> Any: ...

        def change_setting(self, key: str, value: Any) -> None: ...

        @property
        def model_row(self) -> int | None: ...

    @property
    def names(self) -> TagNames:
        """The lists of tags that are shown, and their names; see `change_names`."""
        return names_of(self)

    def change_names(self, names: TagNames) -> TagNames:
        """Keep other lists. They hold in search, sidecars and export.

        Raises:
            LibraryError: the library has no tags yet.
            UnknownTagError: its model does not have a tag.
        """
        checked = self.checked(names)
        keep_names(self, checked)
        return checked

    def checked(self, names: TagNames) -> TagNames:
        """The same lists with the names of the model's tags; raises as `change_names`."""
        stored = self._stored_scores()
        return names.checked(stored.tags, stored.taxonomy)

    def tags_on(self, photo: LibraryPhoto) -> dict[str, float | None]:
        """The tags that a photo shows, best first, with their scores; None: a person's word, not the model's.

        Raises:
            LibraryError: the library has no tags yet.
            UnknownModelError: its model is not here.
        """
        if photo.content is None:
            return {}
        stored = self._stored_scores()
        with explained(self.file):
            found = stored.of(photo.content)
        shown = apply_decisions(found[0] if found else {}, photo.decisions, stored.paths.above)
        return {tag: score for tag, score in shown.items() if self.names.shows(tag)}

    def accept(self, photo: str | Path, tag: str) -> str:
        """Confirm that a photo shows a tag: in search, in sidecars, and for `vectortag refresh`. Returns the tag.

        Raises:
            CorrectionError: the data folder cannot be written.
            LibraryError: the library does not have the photo, or has no tags yet.
            UnknownTagError: its model does not have the tag.
        """
        return self._decide(photo, tag, "accepted")

    def reject(self, photo: str | Path, tag: str) -> str:
        """Say that a photo does not show a tag; as `accept`."""
        return self._decide(photo, tag, "rejected")

    def rename(self, photo: str | Path, tag: str, name: str) -> str:
        """Accept a tag, and show it under another name on this photo; as `accept`."""
        return self._decide(photo, tag, "accepted", name)

    def withdraw(self, photo: str | Path, tag: str) -> str:
        """Forget what was decided on a tag of a photo, so that the model's word counts; as `accept`."""
        found = self._find_tag(tag)
        with explained(self.file):
            withdraw(self.database, known_photo(self.database, photo), [found])
        return found

    def note_corrections(self, corrections: Iterable[Correction], *, undone: bool = False) -> None:
        """Keep corrections of its photos as decisions, or forget them again, if they were `undone`."""
        with explained(self.file):
            note_corrections(self.database, corrections, undone=undone)

    def _decide(self, photo: str | Path, tag: str, verdict: Verdict, name: str | None = None) -> str:
        found = self._find_tag(tag)
        with explained(self.file):
            decide(self.database, known_photo(self.database, photo), [found], verdict, renamed_to=name)
        return found

    def _find_tag(self, word: str) -> str:
        stored = self._stored_scores()
        return self.names.find_tag(word, stored.tags, stored.taxonomy)

    def _stored_scores(self) -> StoredScores:
        taxonomy = find_model_folder(self.setting("model")).manifest.taxonomy
        with explained(self.file):
            return StoredScores(self.database, require_row(self.model_row), taxonomy)

    def write_xmp(
        self,
        folders: Sequence[str | Path] = (),
        *,
        choice: Choice | None = None,
        dry_run: bool = False,
        embed: bool = False,
    ) -> Iterator[Outcome]:
        """Write the tags of photos into their sidecars, and yield what became of each; no photo is touched.

        Args:
            folders: only photos in these; all if there are none.
            choice: which tags; None: those of the library's settings.
            dry_run: write nothing; each outcome has the change as a diff.
            embed: also write into JPEG files, through exiftool; see `vectortag.library.embed`.

        Raises:
            LibraryError: the library has no tags yet.
            OutputError: `embed` needs exiftool, which is missing.
        """
        choice = choice or choice_of(self)
        writer = SidecarWriter(dry_run=dry_run, embed=embed, by_stem=choice.by_stem)
        stored = self._stored_scores()
        with explained(self.file):
            yield from LibrarySidecars(self.database, writer).write(stored, choice, [Path(one) for one in folders])

    def forget_xmp(
        self, folders: Sequence[str | Path] = (), *, dry_run: bool = False, embed: bool = False
    ) -> Iterator[Outcome]:
        """Take everything of VectorTag's out of sidecars; as `write_xmp`."""
        writing = LibrarySidecars(self.database, SidecarWriter(dry_run=dry_run, embed=embed))
        with explained(self.file):
            yield from writing.forget([Path(folder) for folder in folders])

"""What a person says of the photos of a library, and how it reaches other programs: decisions, lists, sidecars."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectortag.core.errors import NewTagError, UnknownTagError
from vectortag.core.text import LONGEST_NAME, has_control_characters, normalise
from vectortag.library import changes
from vectortag.library.changes import Change
from vectortag.library.decisions import Verdict, apply_decisions, decide, known_photo, note_corrections, withdraw
from vectortag.library.descriptions import PhotoDescription, descriptions
from vectortag.library.keyword_fields import can_be_written
from vectortag.library.library_sidecars import LibrarySidecars, StoredScores, choice_of, require_row
from vectortag.library.lists import TagNames, keep_names, names_of
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.query import Named, Node
from vectortag.library.schema import explained
from vectortag.library.sidecars import ModelRun
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

        def rows(self, query: str | Node | None = None, *, offline: bool = False) -> list[int]: ...

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

    def run_on(self, photo: LibraryPhoto) -> ModelRun | None:
        """Which model looked at a photo, and when; None if none did. Raises as `tags_on`."""
        if photo.content is None:
            return None
        stored = self._stored_scores()
        with explained(self.file):
            found = stored.of(photo.content)
        return found[1] if found else None

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

    def accept_on(self, rows: Sequence[int], tag: str, *, own: bool = False) -> Change:
        """Accept a tag on many photos in one step, which `undo` takes back.

        Args:
            rows: of the photos, as a `Match` has them; those that are gone or were not read are left out.
            own: a word that is no tag of the model becomes a tag of the person's own.

        Raises:
            NewTagError: `own`, and no tag can have this name.
            CorrectionError, LibraryError, UnknownTagError: as `accept`; then nothing is kept.
        """
        return self._change(rows, self._find_tag(tag, new=own), "accepted")

    def reject_on(self, rows: Sequence[int], tag: str) -> Change:
        """Reject a tag on many photos in one step; as `accept_on`."""
        return self._change(rows, self._find_tag(tag), "rejected")

    def rename_on(self, rows: Sequence[int], tag: str, name: str) -> Change:
        """Show a tag under another name on those of many photos that show it; as `accept_on`.

        Raises:
            NewTagError: no tag can have this name.
        """
        found, new = self._find_tag(tag), checked_name(name)
        showing = set(self.rows(Named("tag", found), offline=True))
        return self._change([row for row in rows if row in showing], found, "accepted", new)

    def undo(self, change: Change) -> int:
        """Bring back what was decided before a change of many photos. Returns the number of contents that changed.

        A photo on which somebody decided again meanwhile keeps that.

        Raises:
            CorrectionError: the data folder cannot be written. Then nothing is undone.
        """
        with explained(self.file):
            return changes.undo(self.database, change)

    def _change(self, rows: Sequence[int], tag: str, verdict: Verdict, name: str | None = None) -> Change:
        with explained(self.file):
            return changes.change(self.database, rows, tag, verdict, renamed_to=name)

    def own_tags(self) -> list[str]:
        """The tags of the person's own: those in decisions that the library's model does not have, by name."""
        with explained(self.file):
            model = self.database.execute("SELECT tags FROM models WHERE id = ?", (self.model_row,)).fetchone()
            found = self.database.execute("SELECT DISTINCT tag FROM decisions ORDER BY tag").fetchall()
        known = set(json.loads(model[0])) if model else set()
        return [tag for (tag,) in found if tag not in known]

    def describe(self, rows: Iterable[int]) -> Iterator[PhotoDescription]:
        """What is known of photos, by their rows, for other programs; those that are gone are left out.

        Raises:
            LibraryError: the library has no tags yet.
            UnknownModelError: its model is not here.
        """
        stored, names = self._stored_scores(), self.names
        with explained(self.file):
            yield from descriptions(self.database, stored, names, rows)

    def paths(self, rows: Sequence[int]) -> list[Path]:
        """The paths of photos, by their rows; of those that are there and were read, in no order."""
        with explained(self.file):
            return [photo.path for photo in changes.known_photos(self.database, rows)]

    def _decide(self, photo: str | Path, tag: str, verdict: Verdict, name: str | None = None) -> str:
        found = self._find_tag(tag)
        with explained(self.file):
            decide(self.database, known_photo(self.database, photo), [found], verdict, renamed_to=name)
        return found

    def _find_tag(self, word: str, *, new: bool = False) -> str:
        """The tag of the model that a word means, or else one of the person's own; a new one, if that is allowed."""
        stored = self._stored_scores()
        try:
            return self.names.find_tag(word, stored.tags, stored.taxonomy)
        except UnknownTagError:
            own = next((tag for tag in self.own_tags() if normalise(tag) == normalise(word)), None)
            if own is None and not new:
                raise
            return own or checked_name(word)

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


def checked_name(name: str) -> str:
    """The name of a tag, without blanks around it.

    Raises:
        NewTagError: no tag can have it.
    """
    checked = name.strip()
    if not checked or len(checked) > LONGEST_NAME or has_control_characters(checked) or not can_be_written(checked):
        raise NewTagError(f'a tag has 1 to {LONGEST_NAME} characters, no line end and no "|", got {name[:40]!r}')
    return checked

"""The sidecars that `vectortag tag --write-xmp` writes.

It needs no library. Photos that are in one get what `vectortag library write-xmp` would write: by the library's lists,
branch and minimum where no option gives others, and by what a person decided.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes
from vectortag.apps.cli.sidecar_report import SidecarReport, chosen, names_given
from vectortag.core.errors import LibraryError
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.inference.tagger import Tagger
from vectortag.library.decisions import Decision, KnownPhoto, known_photo
from vectortag.library.folders import covering_root
from vectortag.library.library import Library
from vectortag.library.library_sidecars import LibrarySidecars, choice_of
from vectortag.library.sidecars import ModelRun
from vectortag.library.tag_paths import TagPaths
from vectortag.library.write_xmp import Choice, Outcome, SidecarWriter
from vectortag.personal.corrections import read_corrections


class TagSidecars:
    """Writes a sidecar for each tagging. Corrections count as what a person accepted or rejected.

    Args:
        given: the options.
        library: the file of the person's library; None if there is none.

    Raises:
        ConfigError: a list cannot be read, or the parent cannot be a name in the tree.
        LibraryError: the library cannot be used.
        OutputError: `embed` needs exiftool, which is missing.
        UnknownTagError: the model does not have a tag of a list.
    """

    def __init__(
        self, tagger: Tagger, given: SidecarOptions, library: Path | None, *, dry_run: bool, embed: bool
    ) -> None:
        self._choice = _choice(Choice(), given, tagger)
        self._paths = TagPaths(
            tagger.folder.manifest.taxonomy, tagger.tags, {a.name: a.parents for a in tagger.additions}
        )
        self._date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._writer = SidecarWriter(dry_run=dry_run, embed=embed, by_stem=self._choice.by_stem)
        self._report = SidecarReport(notes.print)
        self._decisions: dict[Path, dict[str, Decision]] = defaultdict(dict)
        for one in read_corrections():
            self._decisions[one.photo][one.tag] = Decision("accepted" if one.has else "rejected")
        self._library = None
        if library is not None:
            self._library = _LibraryPhotos(library, given, tagger, dry_run=dry_run, embed=embed)

    def write(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        """Write the sidecars of a photo.

        Args:
            tags: those to write; the tags that they imply come with them.
        """
        if tagging.path is None:
            return
        photo, run = Path(tagging.path), ModelRun(tagging.model, self._date)
        decisions = self._decisions.get(photo.absolute(), {})
        scores = {one.tag: one.score for one in tags}
        for outcome in self._outcomes(photo, scores, run, decisions):
            self._report.note(outcome)

    def _outcomes(
        self, photo: Path, scores: Mapping[str, float], run: ModelRun, decisions: Mapping[str, Decision]
    ) -> Iterable[Outcome]:
        choice = self._choice
        if self._library is not None and self._library.covers(photo):
            choice = self._library.choice
            if (known := self._library.find(photo)) is not None:
                return self._library.sidecars.write_photo(known, scores, run, choice, self._paths, also=decisions)
        wanted = choice.wanted(scores, self._paths, decisions)
        refused = {tag for tag, one in decisions.items() if one.verdict == "rejected"}
        return self._writer.write(photo, wanted, run, refused=refused)

    def written(
        self, taggings: Iterable[Tagging | FailedTagging], select: Callable[[Tagging], Sequence[TagScore]]
    ) -> Iterator[Tagging | FailedTagging]:
        """Write the sidecars of each tagging with the tags that `select` takes, and yield it."""
        with ExitStack() as stack:
            if self._library is not None:
                stack.enter_context(self._library.library)
            for tagging in taggings:
                if isinstance(tagging, Tagging):
                    self.write(tagging, select(tagging))
                yield tagging

    def finish(self) -> int:
        """Print the counts. Returns 1 if a sidecar was refused."""
        return self._report.finish(dry_run=self._writer.dry_run)


def _choice(kept: Choice, given: SidecarOptions, tagger: Tagger) -> Choice:
    return replace(chosen(kept, given), names=names_given(kept.names, tagger, given))


class _LibraryPhotos:
    """A library, for the photos that are in it.

    Attributes:
        choice: which tags its photos get: by the options that are given, else as the library keeps it.
    """

    def __init__(self, file: Path, given: SidecarOptions, tagger: Tagger, *, dry_run: bool, embed: bool) -> None:
        self.library = Library.open(file, create=False)
        self.choice = _choice(choice_of(self.library), given, tagger)
        writer = SidecarWriter(dry_run=dry_run, embed=embed, by_stem=self.choice.by_stem)
        self.sidecars = LibrarySidecars(self.library.database, writer)
        self._roots = self.library.roots()

    def covers(self, photo: Path) -> bool:
        """Whether the photo is in one of the library's folders."""
        return covering_root(self._roots, photo.absolute()) is not None

    def find(self, photo: Path) -> KnownPhoto | None:
        """The photo, if the library has read it."""
        try:
            return known_photo(self.library.database, photo)
        except LibraryError:
            return None

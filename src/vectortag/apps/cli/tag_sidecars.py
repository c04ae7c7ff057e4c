"""The sidecars that `vectortag tag --write-xmp` writes; it needs no library."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes
from vectortag.apps.cli.sidecar_report import SidecarReport, chosen
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.inference.tagger import Tagger
from vectortag.library.decisions import Decision
from vectortag.library.sidecars import ModelRun
from vectortag.library.tag_paths import TagPaths
from vectortag.library.write_xmp import Choice, SidecarWriter
from vectortag.personal.corrections import read_corrections


class TagSidecars:
    """Writes a sidecar for each tagging. Corrections count as what a person accepted or rejected.

    Raises:
        ConfigError: a list cannot be read.
        OutputError: `embed` needs exiftool, which is missing.
        UnknownTagError: the model does not have a tag of a list.
    """

    def __init__(
        self, tagger: Tagger, given: SidecarOptions, *, language: str | None = None, dry_run: bool, embed: bool
    ) -> None:
        taxonomy = tagger.folder.manifest.taxonomy
        choice = chosen(Choice(), *given, language)
        self._choice = Choice(choice.names.checked(tagger.tags, taxonomy), choice.parent, choice.min_score)
        self._paths = TagPaths(taxonomy, tagger.tags, {tag.name: tag.parents for tag in tagger.additions})
        self._date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._writer, self._report = SidecarWriter(dry_run=dry_run, embed=embed), SidecarReport(notes.print)
        self._decisions: dict[Path, dict[str, Decision]] = defaultdict(dict)
        for one in read_corrections():
            self._decisions[one.photo][one.tag] = Decision("accepted" if one.has else "rejected")

    def write(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        """Write the sidecars of a photo.

        Args:
            tags: those to write; the tags that they imply come with them.
        """
        if tagging.path is None:
            return
        photo = Path(tagging.path)
        decisions = self._decisions.get(photo.absolute(), {})
        wanted = self._choice.wanted({one.tag: one.score for one in tags}, self._paths, decisions)
        refused = {tag for tag, one in decisions.items() if one.verdict == "rejected"}
        for outcome in self._writer.write(photo, wanted, ModelRun(tagging.model, self._date), refused=refused):
            self._report.note(outcome)

    def written(
        self, taggings: Iterable[Tagging | FailedTagging], select: Callable[[Tagging], Sequence[TagScore]]
    ) -> Iterator[Tagging | FailedTagging]:
        """Write the sidecars of each tagging with the tags that `select` takes, and yield it."""
        for tagging in taggings:
            if isinstance(tagging, Tagging):
                self.write(tagging, select(tagging))
            yield tagging

    def finish(self) -> int:
        """Print the counts. Returns 1 if a sidecar was refused."""
        return self._report.finish(dry_run=self._writer.dry_run)

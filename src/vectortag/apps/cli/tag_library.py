"""What `vectortag tag` takes from the person's library: its lists, and the taggings that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes
from vectortag.apps.cli.sidecar_report import names_given
from vectortag.core.errors import LibraryError
from vectortag.core.folders import library_file
from vectortag.core.types import TagScore
from vectortag.data.sources import Source, are_files
from vectortag.inference.tagger import Tagger
from vectortag.library.library_model import ALWAYS_KEPT
from vectortag.library.lists import TagNames, names_for
from vectortag.library.schema import open_database
from vectortag.library.stored_taggings import StoredTaggings


@dataclass(frozen=True, slots=True)
class TagLibrary:
    """A library that can be used.

    Attributes:
        names: its lists, if all photos and folders that are named lie in its folders; else empty ones.
    """

    file: Path
    names: TagNames

    @classmethod
    def open(cls, file: Path | None, sources: Sequence[Source]) -> TagLibrary | None:
        """The library of a file, or the default one; None if it cannot be used, which a note says."""
        path = library_file() if file is None else file
        try:
            with closing(open_database(path, create=False)) as database:
                return cls(path, names_for(database, map(Path, sources)) if are_files(sources) else TagNames())
        except LibraryError as error:
            notes.print(f"{error}. It is not used", style="yellow")
            return None

    def source(self, tagger: Tagger, select: partial[Sequence[TagScore]]) -> Tagger | StoredTaggings:
        """Its taggings, where it has the scores that will be written, exactly; else the tagger."""
        lowest = select.keywords["threshold"]
        if select.keywords["all_scores"] or (lowest is not None and lowest < ALWAYS_KEPT):
            return tagger
        return StoredTaggings.open(tagger, self.file) or tagger


def names_for_output(tagger: Tagger, library: TagLibrary | None, given: SidecarOptions) -> TagNames:
    """The lists that are given, over those of the library.

    Raises:
        ConfigError: one cannot be read.
        UnknownTagError: the model does not have a tag.
    """
    return names_given(TagNames() if library is None else library.names, tagger, given)

"""The photos that a command was given, and what it says of the rest."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.apps.cli.output import notes
from vectortag.core.file_names import escape_path
from vectortag.core.types import StoredPhoto
from vectortag.data.find import LeftOut
from vectortag.data.sources import Reference, Source, count_of, photos_at, references


@dataclass(slots=True)
class NamedPhotos:
    """The sources of a command, and what its folders have besides photos.

    Attributes:
        paths: the sources, as they were named.
        exclude: the rules of `--exclude`.
        left_out: counted by `count`.
    """

    paths: Sequence[Source]
    exclude: Sequence[str] = ()
    left_out: LeftOut = field(default_factory=LeftOut)

    def count(self) -> int:
        """How many photos there are; they are not stored, so that memory does not grow with their number."""
        self.left_out = LeftOut()
        return sum(map(count_of, references(self.paths, exclude=self.exclude, left_out=self.left_out)))

    def references(self, *, counted: bool = False) -> Iterator[Reference]:
        """Where the photos are, in order.

        Args:
            counted: add to `left_out` what folders have besides; for those who do not call `count`.
        """
        return references(self.paths, exclude=self.exclude, left_out=self.left_out if counted else LeftOut())

    def read(self, *, done: Container[str] = ()) -> Iterator[Path | StoredPhoto]:
        """The photos, in order, but for those whose names are among `done`."""
        return photos_at(self.references(), done=done)


def say_left_out(paths: Sequence[Source], total: int, left_out: LeftOut) -> None:
    """On stderr: what was left out, by kind, and last a line for each kind of photos that something would read.

    Of folders without photos, all that was there is named.
    """
    there = left_out.in_words(others=not total)
    if not total:
        notes.print(f"no photos in {', '.join(map(escape_path, paths))}{there and f': {there}'}", style="yellow")
    elif there:
        notes.print(f"left out: {there}", style="yellow")
    for line in left_out.remedies():
        notes.print(line, style="yellow")

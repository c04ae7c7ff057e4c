"""The photos that a command was given, and what it says of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.apps.cli.output import notes
from vectortag.core.file_names import escape_path
from vectortag.data.find import LeftOut, photos_of


@dataclass(slots=True)
class NamedPhotos:
    """The files and folders of a command, and what its folders have besides photos.

    Attributes:
        paths: as they were named.
        exclude: the rules of `--exclude`.
        left_out: counted by `count`.
    """

    paths: Sequence[Path]
    exclude: Sequence[str] = ()
    left_out: LeftOut = field(default_factory=LeftOut)

    def count(self) -> int:
        """How many photos there are; they are not stored, so that memory does not grow with their number."""
        self.left_out = LeftOut()
        return sum(1 for _ in photos_of(self.paths, exclude=self.exclude, left_out=self.left_out))

    def __iter__(self) -> Iterator[Path]:
        return photos_of(self.paths, exclude=self.exclude, left_out=LeftOut())


def say_left_out(paths: Sequence[Path], total: int, left_out: LeftOut) -> None:
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

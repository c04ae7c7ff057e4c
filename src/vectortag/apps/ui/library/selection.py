"""The photos that a visitor has ticked, on whichever page of the results they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Selection:
    """Attributes:

    rows: of the ticked photos in the library.
    revision: rises when anything but a tick changes them, so that the grid draws its ticks anew.
    """

    rows: set[int] = field(default_factory=set)
    revision: int = 0

    def take_ticks(self, shown: Iterable[int], ticked: Iterable[int]) -> None:
        """Take over the ticks of one page; those of other pages stay.

        Args:
            shown: all photos of the page.
            ticked: those of them that have a tick now.
        """
        self.rows -= set(shown)
        self.rows |= set(ticked)

    def replace(self, rows: Iterable[int]) -> None:
        """Tick these photos and no others."""
        self.rows = set(rows)
        self.revision += 1

"""What a person decided about photos that show one picture: which one to keep, or that they are no duplicates.

No photo is touched. A decision is about the paths of a group, and holds until another photo joins the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.file_names import escape_path, unescape_path
from vectortag.library.duplicates import DuplicateGroup
from vectortag.library.lists import Settings

KEY = "duplicates"
"""Of a library's settings."""


@dataclass(frozen=True, slots=True)
class DuplicateDecision:
    """Attributes: `photos` of the group, two at least; `kept`: the one to keep; None: they are no duplicates."""

    photos: tuple[Path, ...]
    kept: Path | None = None

    @property
    def superfluous(self) -> tuple[Path, ...]:
        """The photos that need not be kept."""
        return () if self.kept is None else tuple(photo for photo in self.photos if photo != self.kept)


def decisions_of(library: Settings) -> list[DuplicateDecision]:
    """All decisions, in the order in which they were made."""
    return [
        DuplicateDecision(tuple(map(unescape_path, photos)), None if kept is None else unescape_path(kept))
        for photos, kept in library.setting(KEY, ())
    ]


def keep_decision(library: Settings, decision: DuplicateDecision) -> None:
    """Keep a decision, in the place of an earlier one about the same photos."""
    others = _without(decisions_of(library), decision.photos)
    _store(library, [*others, decision])


def forget_decision(library: Settings, photos: Iterable[Path]) -> None:
    """Forget what was decided about these photos, so that they are shown again."""
    _store(library, _without(decisions_of(library), photos))


def undecided(groups: Iterable[DuplicateGroup], decisions: Iterable[DuplicateDecision]) -> list[DuplicateGroup]:
    """The groups about whose photos nothing was decided yet."""
    decided = [frozenset(one.photos) for one in decisions]
    by_photo: dict[Path, list[frozenset[Path]]] = {}
    for photos in decided:
        for photo in photos:
            by_photo.setdefault(photo, []).append(photos)
    return [
        group
        for group in groups
        if not any(set(group.photos) <= photos for photos in by_photo.get(group.photos[0], ()))
    ]


def _without(decisions: Sequence[DuplicateDecision], photos: Iterable[Path]) -> list[DuplicateDecision]:
    these = frozenset(photos)
    return [one for one in decisions if frozenset(one.photos) != these]


def _store(library: Settings, decisions: Iterable[DuplicateDecision]) -> None:
    plain = [
        ([escape_path(photo) for photo in one.photos], None if one.kept is None else escape_path(one.kept))
        for one in decisions
    ]
    library.change_setting(KEY, plain or None)

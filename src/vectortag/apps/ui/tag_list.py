"""Which tags the list shows: those found, or else the guesses, and the nearest misses; or those that match a search."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from vectortag.apps.formats import guesses_for
from vectortag.core.types import Tagging
from vectortag.model.language import Language

NEAR_MISSES = 6
"""Number of tags below their threshold that are listed after those found."""

MAX_HITS = 60

ENGLISH = Language()


@dataclass(frozen=True, slots=True)
class RankedTag:
    """A tag of the list.

    Attributes:
        found: whether it is shown: its score, or that of a tag that implies it, reaches its threshold.
        guessed: whether it is offered as a guess, since no tag is found.
    """

    tag: str
    score: float
    threshold: float | None
    found: bool
    guessed: bool = False


class TagRow(TypedDict):
    """A row of the list: `name` is the tag in the visitor's language; `guessed`: a guess, no tag; `said` is the user's
    correction, None if there is none."""

    tag: str
    name: str
    score: float
    threshold: float | None
    found: bool
    guessed: bool
    said: bool | None


def rows_to_draw(rows: Sequence[RankedTag], language: Language, said: Mapping[str, bool | None]) -> list[TagRow]:
    """The rows with their names in a language, and what the user said of each tag."""
    return [
        TagRow(
            tag=row.tag,
            name=language.name(row.tag),
            score=row.score,
            threshold=row.threshold,
            found=row.found,
            guessed=row.guessed,
            said=said.get(row.tag),
        )
        for row in rows
    ]


def rank_tags(tagging: Tagging, threshold: float | None = None) -> list[RankedTag]:
    """Every tag: those found, then guesses, then the others, each by score. `threshold` replaces the tags' own."""
    selected = tagging.select(threshold=threshold)
    found, guessed = {one.tag for one in selected}, {one.tag for one in guesses_for(tagging, selected)}
    rows = [
        RankedTag(
            scored.tag,
            scored.score,
            scored.threshold if threshold is None else threshold,
            scored.tag in found,
            scored.tag in guessed,
        )
        for scored in tagging.scores
    ]
    return sorted(rows, key=lambda row: (not row.found, not row.guessed, -row.score))


def as_stored(rows: Sequence[RankedTag], tags: Mapping[str, float | None]) -> list[RankedTag]:
    """The rows with those tags found, and no others, that a library shows on the photo: a person's word counts.

    Args:
        rows: from `rank_tags`.
        tags: best first, as `Library.tags_on` gives them.
    """
    place = {tag: number for number, tag in enumerate(tags)}
    marked = [replace(row, found=row.tag in place, guessed=row.guessed and not tags) for row in rows]
    return sorted(marked, key=lambda row: (not row.found, not row.guessed, place.get(row.tag, 0), -row.score))


def tags_to_list(
    rows: Sequence[RankedTag], *, search: str = "", synonym: str | None = None, language: Language = ENGLISH
) -> list[RankedTag]:
    """The tags found or guessed and the nearest misses; with a search, all whose name contains it, and its synonym.

    A tag is found by its name in the language, and by its English one.

    Args:
        rows: from `rank_tags`.
        synonym: the tag that has the searched word as a synonym in the model's taxonomy.
    """
    if wanted := search.strip().casefold():
        hits = (row for row in rows if row.tag == synonym or _matches(row.tag, wanted, language))
        return list(itertools.islice(hits, MAX_HITS))
    return list(rows[: sum(row.found or row.guessed for row in rows) + NEAR_MISSES])


def _matches(tag: str, wanted: str, language: Language) -> bool:
    return wanted in tag.casefold() or wanted in language.name(tag).casefold()

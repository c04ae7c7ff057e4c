"""Which tags the list shows: those found and the nearest misses, or those that match a search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from vectortag.core.types import Tagging
from vectortag.model.language import Language

NEAR_MISSES = 6
"""Number of tags below their threshold that are listed after those found."""

MAX_HITS = 60

ENGLISH = Language()


@dataclass(frozen=True, slots=True)
class RankedTag:
    """A tag of the list; `found` is whether its score reaches `threshold`."""

    tag: str
    score: float
    threshold: float | None
    found: bool


def rank_tags(tagging: Tagging, threshold: float | None = None) -> list[RankedTag]:
    """Every tag: first those found, then the others, each by score. `threshold` replaces the tags' own."""
    rows = []
    for scored in tagging.scores:
        limit = scored.threshold if threshold is None else threshold
        rows.append(RankedTag(scored.tag, scored.score, limit, limit is not None and scored.score >= limit))
    return sorted(rows, key=lambda row: (not row.found, -row.score))


def tags_to_list(
    rows: Sequence[RankedTag], *, search: str = "", synonym: str | None = None, language: Language = ENGLISH
) -> list[RankedTag]:
    """The tags found and the nearest misses; with a search, all tags whose name contains it, and its synonym.

    A tag is found by its name in the language, and by its English one.

    Args:
        rows: from `rank_tags`.
        synonym: the tag that has the searched word as a synonym in the model's taxonomy.
    """
    if wanted := search.strip().casefold():
        hits = (row for row in rows if row.tag == synonym or _matches(row.tag, wanted, language))
        return list(itertools.islice(hits, MAX_HITS))
    found = [row for row in rows if row.found]
    return [*found, *rows[len(found) : len(found) + NEAR_MISSES]]


def _matches(tag: str, wanted: str, language: Language) -> bool:
    return wanted in tag.casefold() or wanted in language.name(tag).casefold()

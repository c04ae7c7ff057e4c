"""Which tags the list shows: what was found, the nearest misses, or what a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vectortag.core.types import Tagging

NEAR_MISSES = 6
"""So many tags below their threshold stand under those that were found."""

MAX_HITS = 60


@dataclass(frozen=True, slots=True)
class RankedTag:
    """A tag in the list; `found` says whether its score reaches the threshold that decides now."""

    tag: str
    score: float
    threshold: float | None
    found: bool


def rank_tags(tagging: Tagging, threshold: float | None = None) -> list[RankedTag]:
    """Every tag, found ones first, each part by score; `threshold` decides for all tags instead of each tag's own."""
    rows = []
    for scored in tagging.scores:
        limit = scored.threshold if threshold is None else threshold
        rows.append(RankedTag(scored.tag, scored.score, limit, limit is not None and scored.score >= limit))
    return sorted(rows, key=lambda row: (not row.found, -row.score))


def tags_to_list(rows: Sequence[RankedTag], *, search: str = "", synonym: str | None = None) -> list[RankedTag]:
    """The found tags and the nearest misses; with a search, all tags with that text in their name, and its synonym.

    Args:
        rows: as `rank_tags` returns them.
        synonym: the tag that the searched word means to the model's taxonomy.
    """
    if wanted := search.strip().casefold():
        return [row for row in rows if wanted in row.tag.casefold() or row.tag == synonym][:MAX_HITS]
    found = [row for row in rows if row.found]
    return [*found, *rows[len(found) : len(found) + NEAR_MISSES]]

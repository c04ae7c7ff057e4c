"""Searches a library: a query in, photos out, best first.

Every part of a query gives each photo a number: 0 is "not found", 1 is "certainly". `and` multiplies, `or` takes the
larger one, `not` finds what has 0. A sentence and `near:` find nothing by themselves: they put the photos in order that
the rest has found, and so they stand beside it, never behind `not` or next to `or`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vectortag.core.file_names import unescape_path
from vectortag.core.types import FloatArray
from vectortag.library.evaluation import Evaluation, Reason
from vectortag.library.query import And, Named, Node
from vectortag.library.query_parser import parse_query
from vectortag.library.searched import SearchCache, Searched
from vectortag.model.language import Language

AT_ONCE = 900
"""Rows that one query asks for; SQLite may take no more than 999 values."""

MOST_KEPT = 8
"""Searches that are kept for later pages; each takes up to 20 bytes a photo."""

PATHS = "SELECT photos.id, roots.path, photos.path, taken FROM photos JOIN roots ON roots.id = root WHERE photos.id IN"

Order = Literal["sentence", "likeness", "score", "date"]


@dataclass(frozen=True, slots=True)
class Match:
    """A photo that a search found.

    Attributes:
        path: of its file.
        score: of the sentence or the likeness a cosine in [-1, 1], comparable within one search; else in (0, 1], the
            product of the scores of what was asked for.
        why: what matched, such as "dog 0.91" or "keyword Anna".
        taken: local time of its EXIF data, such as "2024-07-31T18:00:05"; None if it has none.
        photo: its row in the library.
    """

    path: Path
    score: float
    why: tuple[str, ...]
    taken: str | None
    photo: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Attributes:

    matches: the best of the photos that were found, best first.
    count: of all that were found.
    order: what they are ordered by; "date" is newest first, where all are equally good.
    readings: how the words of the query were understood, such as '"automobile": the tag car'.
    tags: of the model, that photos were asked to show.
    sentence: the words that are no name here, as one sentence; None if there are none.
    doubt: why the order of a sentence may mean nothing, or what of it was not understood; None if there is no doubt.
    """

    matches: tuple[Match, ...]
    count: int
    order: Order
    readings: tuple[str, ...]
    tags: tuple[str, ...]
    sentence: str | None
    doubt: str | None


def search(
    cache: SearchCache,
    query: str | Node,
    *,
    model_row: int | None,
    top: int | None = 20,
    skip: int = 0,
    offline: bool = False,
    language: Language | None = None,
) -> SearchResult:
    """Find photos.

    Args:
        cache: of the library.
        query: its text, or as it was read.
        model_row: whose scores are searched, unless the query names another with `model:`.
        top: the number of photos to return; None: all.
        skip: the number of better ones to leave out before, as for a later page.
        offline: also find photos whose folder is not there now.
        language: whose names of tags are understood and shown; None: that of the library's lists.

    Raises:
        QueryError: the query cannot be read, or names what is not there.
        MissingExtraError, WordsError: a sentence cannot be read.
    """
    searched, evaluation = _answer(cache, query, model_row, offline, language)
    found, scores = evaluation.found, evaluation.scores
    rows = _best(scores, found, None if top is None else skip + top)[skip:]
    order: Order = evaluation.ranked_by or ("date" if len(np.unique(scores[found])) <= 1 else "score")
    return SearchResult(
        matches=_matches(searched.database, searched.table.ids[rows].tolist(), scores[rows], evaluation.reasons, rows),
        count=int(np.count_nonzero(found)),
        order=order,
        readings=tuple(evaluation.readings),
        tags=tuple(dict.fromkeys(evaluation.tags)),
        sentence=evaluation.sentence,
        doubt=evaluation.doubt,
    )


def found_rows(
    cache: SearchCache, query: str | Node | None, *, model_row: int | None, offline: bool = False
) -> list[int]:
    """The rows in the library of all photos that a query finds, in the order of `search`; fails as that.

    Args:
        query: None: all photos, newest first.
    """
    if query is None:
        return cache.searched(model_row=None, offline=offline).table.ids.tolist()
    searched, evaluation = _answer(cache, query, model_row, offline, None)
    return searched.table.ids[_best(evaluation.scores, evaluation.found, None)].tolist()


def newest(cache: SearchCache, *, top: int, skip: int = 0) -> SearchResult:
    """All photos, newest first; those without a date are last. `top` and `skip` are as for `search`."""
    searched = cache.searched(model_row=None, offline=False)
    ids = searched.table.ids[skip : skip + top]
    matches = _matches(searched.database, ids.tolist(), np.ones(len(ids), np.float32), (), np.arange(len(ids)))
    return SearchResult(matches, len(searched.table), "date", (), (), None, None)


def _answer(
    cache: SearchCache, query: str | Node, model_row: int | None, offline: bool, language: Language | None
) -> tuple[Searched, Evaluation]:
    node = parse_query(query) if isinstance(query, str) else query
    row = _row_of_model(cache.database, node) or model_row
    searched = cache.searched(model_row=row, offline=offline, language=language)
    return searched, _evaluated(searched, node)


def _evaluated(searched: Searched, node: Node) -> Evaluation:
    """What a query finds; kept for its other pages until the library changes."""
    key = str(node)
    if key not in searched.kept:
        while len(searched.kept) >= MOST_KEPT:
            del searched.kept[next(iter(searched.kept))]
        searched.kept[key] = Evaluation.of(searched, node)
    kept: Evaluation = searched.kept[key]
    return kept


def _row_of_model(database: sqlite3.Connection, node: Node) -> int | None:
    """The latest row of the model that the query asks for; None if it asks for none."""
    for part in node.parts if isinstance(node, And) else (node,):
        if isinstance(part, Named) and part.name == "model":
            row = database.execute("SELECT max(id) FROM models WHERE name = ?", (part.text,)).fetchone()
            return None if row[0] is None else int(row[0])
    return None


def _best(scores: FloatArray, found: np.ndarray, top: int | None) -> np.ndarray:
    """The rows of the highest scores among those found, highest first; of equal ones the newest, which is the first."""
    rows = np.flatnonzero(found)
    if top is not None and len(rows) > top:
        least = np.partition(scores[rows], len(rows) - top)[len(rows) - top]
        better, equal = rows[scores[rows] > least], rows[scores[rows] == least]
        rows = np.sort(np.concatenate([better, equal[: top - len(better)]]))
    return rows[np.argsort(-scores[rows], kind="stable")]


def _matches(
    database: sqlite3.Connection, ids: Sequence[int], scores: FloatArray, reasons: Sequence[Reason], rows: np.ndarray
) -> tuple[Match, ...]:
    paths: dict[int, tuple[str, str, str | None]] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        for photo, root, path, taken in database.execute(f"{PATHS} ({','.join('?' * len(some))})", some):
            paths[photo] = root, path, taken
    matches = []
    for photo, score, row in zip(ids, scores.tolist(), rows.tolist(), strict=True):
        if photo in paths:  # another process may have removed it meanwhile
            root, path, taken = paths[photo]
            why = tuple(reason.at(row) for reason in reasons if reason.values[row])
            matches.append(Match(unescape_path(f"{root.rstrip('/')}/{path}"), score, why, taken, photo))
    return tuple(matches)

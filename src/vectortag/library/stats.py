"""What a library holds, counted: photos, years, folders, tags, keywords, models."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vectortag.library.lexicon import Meaning
from vectortag.library.searched import Searched

PHOTOS = """
    SELECT count(*), count(DISTINCT content), coalesce(sum(roots.state = 'offline'), 0), count(error)
    FROM photos JOIN roots ON roots.id = root WHERE gone IS NULL
"""
YEARS = """
    SELECT substr(taken, 1, 4), count(*) FROM photos WHERE gone IS NULL AND taken IS NOT NULL GROUP BY 1 ORDER BY 1
"""
FOLDERS = """
    SELECT rtrim(roots.path, '/') || '/' || CASE instr(photos.path, '/') WHEN 0 THEN ''
    ELSE substr(photos.path, 1, instr(photos.path, '/')) END, count(*)
    FROM photos JOIN roots ON roots.id = root WHERE gone IS NULL GROUP BY 1 ORDER BY 1
"""
KEYWORDS = """
    SELECT keyword, count(*) FROM keywords JOIN photos ON photos.id = photo WHERE gone IS NULL
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
MODELS = """
    SELECT name || '@' || substr(digest, 1, 8), count(*) FROM models JOIN analyses ON model = models.id
    GROUP BY models.id ORDER BY models.id
"""


@dataclass(frozen=True, slots=True)
class LibraryStats:
    """Photos that are gone are not counted.

    Attributes:
        photos: all, those in folders that are not there now included.
        contents: different ones among them.
        offline: in folders that are not there now.
        unreadable: that cannot be read.
        years: from the first on; photos without a date are in none.
        folders: the root and the first level below it, by name.
        tags: photos that show each, a person's decisions over the model's scores; the most frequent first.
        keywords: a person's own, the most frequent first.
        models: contents that each has analysed.
    """

    photos: int
    contents: int
    offline: int
    unreadable: int
    years: Mapping[str, int]
    folders: Mapping[str, int]
    tags: Mapping[str, int]
    keywords: Mapping[str, int]
    models: Mapping[str, int]


def stats_of(searched: Searched) -> LibraryStats:
    """Count what a library holds; `searched` must include offline photos."""
    database = searched.database
    photos, contents, offline, unreadable = database.execute(PHOTOS).fetchone()
    return LibraryStats(
        photos=photos,
        contents=contents,
        offline=offline,
        unreadable=unreadable,
        years=_counts(database, YEARS),
        folders=_counts(database, FOLDERS),
        tags=_tags(searched),
        keywords=_counts(database, KEYWORDS),
        models=_counts(database, MODELS),
    )


def _counts(database: sqlite3.Connection, query: str) -> dict[str, int]:
    return dict(database.execute(query).fetchall())


def _tags(searched: Searched) -> dict[str, int]:
    """Photos by tag, without the tags that none shows."""
    own = {searched.lexicon.tag(tag).shown: searched.lexicon.tag(tag) for tag in searched.lexicon.tags}
    found = {name: _photos_with(searched, meaning) for name, meaning in own.items() if name is not None}
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: count for name, count in ordered if count}


def _photos_with(searched: Searched, meaning: Meaning) -> int:
    return int(np.count_nonzero(searched.table.spread(searched.tag_scores.shown(meaning))))

"""What the database itself knows of photos: date, place, rating, keywords, and which models have looked at them.

Each function gives (N,): 1 for the photos of a table that are so, 0 for the others.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable

import numpy as np

from vectortag.core.errors import QueryError
from vectortag.core.types import FloatArray
from vectortag.library.photo_table import PhotoTable
from vectortag.library.query import Named, Placed, Rated

KILOMETRES = 111.195
"""Of one degree of latitude: a mean radius of 6371.0 km."""

LATEST = "~"
"""Behind every character of a date."""

TAKEN = "SELECT id FROM photos WHERE taken >= ? AND taken < ?"
RATED = "SELECT id FROM photos WHERE rating {} ?"
KEYWORD = "SELECT photo FROM keywords WHERE keyword = ?"
ANALYSED = "SELECT DISTINCT content FROM analyses JOIN models ON models.id = model WHERE name = ?"
PLACED = "SELECT id, latitude, longitude FROM photos WHERE latitude BETWEEN ? AND ? AND longitude IS NOT NULL"


def taken(database: sqlite3.Connection, table: PhotoTable, first: str | None, last: str | None) -> FloatArray:
    """Taken from one year, month or day to another, both included; None is open. Photos without a date are left out."""
    return _of(table, database.execute(TAKEN, (first or "", (last or "") + LATEST)))


def rated(database: sqlite3.Connection, table: PhotoTable, wanted: Rated) -> FloatArray:
    """With so many stars."""
    return _of(table, database.execute(RATED.format(wanted.comparison), (wanted.stars,)))


def with_keywords(database: sqlite3.Connection, table: PhotoTable, keywords: Iterable[str]) -> FloatArray:
    """With one of these keywords, as they are in the table `keywords`."""
    return _of(table, (row for keyword in keywords for row in database.execute(KEYWORD, (keyword,))))


def analysed_by(database: sqlite3.Connection, table: PhotoTable, model: Named) -> FloatArray:
    """Analysed by a model of this name.

    Raises:
        QueryError: there is none.
    """
    names = [row[0] for row in database.execute("SELECT DISTINCT name FROM models")]
    if model.text not in names:
        known = ", ".join(names) or "none"
        raise QueryError(model.at, f'no model "{model.text}" has tagged this library. Its models: {known}')
    contents = [row[0] for row in database.execute(ANALYSED, (model.text,))]
    return table.spread(table.of_contents(contents, [1.0] * len(contents)))


def taken_near(database: sqlite3.Connection, table: PhotoTable, place: Placed) -> FloatArray:
    """Taken within a circle on the earth, by the haversine formula."""
    reach = place.kilometres / KILOMETRES  # degrees
    box = (place.latitude - reach, place.latitude + reach)
    rows = np.array(database.execute(PLACED, box).fetchall(), np.float64).reshape(-1, 3)
    one, other = math.radians(place.latitude), np.radians(rows[:, 1])
    across = np.radians(rows[:, 2] - place.longitude)
    part = np.sin((other - one) / 2) ** 2 + math.cos(one) * np.cos(other) * np.sin(across / 2) ** 2
    degrees = np.degrees(2 * np.arcsin(np.sqrt(part.clip(max=1))))
    return table.of_ids(rows[degrees <= reach, 0].astype(np.int64).tolist())


def _of(table: PhotoTable, rows: Iterable[tuple[int]]) -> FloatArray:
    return table.of_ids([row[0] for row in rows])

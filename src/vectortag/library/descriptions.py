"""What a library says of photos, as plain values for other programs: an export."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Literal, TextIO

from msgspec import Struct, to_builtins

from vectortag.core.file_names import escape_path
from vectortag.core.text import CsvLines
from vectortag.core.types import DIGITS
from vectortag.library.decisions import apply_decisions
from vectortag.library.library_sidecars import StoredScores
from vectortag.library.lists import TagNames
from vectortag.library.one_photo import photo_of

COLUMNS = ("path", "taken", "rating", "latitude", "longitude", "keywords", "tags", "confirmed")


class DescribedTag(Struct, frozen=True):
    """A tag of a photo: its name, its score, None if only a person gave it, and whether a person confirmed it."""

    tag: str
    score: float | None
    confirmed: bool


class PhotoDescription(Struct, frozen=True):
    """A photo: `taken` is local time, `tags` are those that it shows, best first."""

    path: str
    taken: str | None
    rating: int | None
    latitude: float | None
    longitude: float | None
    keywords: list[str]
    tags: list[DescribedTag]


def descriptions(
    database: sqlite3.Connection, scores: StoredScores, names: TagNames, rows: Iterable[int]
) -> Iterator[PhotoDescription]:
    """Describe photos in their order; those that are gone are left out.

    Args:
        names: the lists of the library.
        rows: of `photos`.
    """
    for row in rows:
        photo = photo_of(database, row)
        if photo is None:
            continue
        found = scores.of(photo.content) if photo.content is not None else None
        shown = apply_decisions(found[0] if found else {}, photo.decisions, scores.paths.above)
        tags = []
        for tag, score in shown.items():
            said = photo.decisions.get(tag)
            name = (said.renamed_to if said else None) or names.shown_name(tag)
            if names.shows(tag):
                tags.append(DescribedTag(name, None if score is None else round(score, DIGITS), said is not None))
        place = photo.place or (None, None)
        path, keywords = escape_path(photo.path), list(photo.keywords)
        yield PhotoDescription(path, photo.taken, photo.rating, place[0], place[1], keywords, tags)


def write_descriptions(described: Iterable[PhotoDescription], form: Literal["jsonl", "csv"], stream: TextIO) -> None:
    """Write one line for each photo: as JSON, or for spreadsheets, where several names are parted by "; "."""
    if form == "jsonl":
        for one in described:
            stream.write(json.dumps(to_builtins(one), ensure_ascii=False) + "\n")
        return
    lines = csv.writer(CsvLines(stream))
    lines.writerow(COLUMNS)
    for one in described:
        facts = (one.path, one.taken, one.rating, one.latitude, one.longitude, "; ".join(one.keywords))
        confirmed = "; ".join(tag.tag for tag in one.tags if tag.confirmed)
        lines.writerow((*facts, "; ".join(tag.tag for tag in one.tags), confirmed))

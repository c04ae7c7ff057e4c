"""Photos of a library that show one picture: files of the same content, copies that were changed, and bursts.

Copies are looked for by their embeddings, which are there already, and confirmed by the fingerprints of
data/duplicates.py, for which only the candidates are opened. A burst needs no photo to be opened: it is photos of one
folder, taken within a moment of each other, whose embeddings are alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.core.file_names import unescape_path
from vectortag.data.duplicates import FINGERPRINT, duplicate_groups, read_fingerprints
from vectortag.library.searched import Searched

Kind = Literal["same", "alike", "burst"]

LEAST_ALIKE = 0.75
"""Cosine of the embeddings of a picture and its copy, to be a candidate. Of 70 photos of Flickr8k with lite2, it is
reached by 99 % saved at JPEG quality 30, by 91 % at half of their 500 pixels, by all that are 20 % brighter or cropped
by 3 % a side; and by 14 of 244,650 pairs of different photos."""

LEAST_IN_BURST = 0.6
"""Cosine of two neighbours in a burst: reached by one of 1,000 pairs of different photos."""

BURST_SECONDS = 2
"""Between two neighbours in a burst."""

PHOTOS = """
    SELECT photos.id, roots.path, photos.path, taken FROM photos JOIN roots ON roots.id = root
    WHERE gone IS NULL AND roots.state = 'online'
"""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Photos that show one picture.

    Attributes:
        kind: "same": the files have one content; "alike": one picture in another size, compression or brightness;
            "burst": taken in one moment.
        photos: two at least, by path.
    """

    kind: Kind
    photos: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Attributes: `groups` by kind, then by path; `unread`: photos that might be copies, but cannot be read."""

    groups: tuple[DuplicateGroup, ...]
    unread: tuple[PhotoError, ...]


def find_duplicates(searched: Searched, kinds: Iterable[Kind] = ("same", "alike", "burst")) -> Duplicates:
    """Find the duplicates among the photos of a library.

    Photos of one content are one photo to the other two kinds; a group of them lists all.
    """
    photos = _Photos(searched)
    wanted = set(kinds)
    groups: list[DuplicateGroup] = []
    unread: list[PhotoError] = []
    if "same" in wanted:
        copies = (rows for rows in photos.by_content.values() if len(rows) > 1)
        groups += _groups("same", photos, copies)
    alike: list[tuple[int, ...]] = []
    if wanted & {"alike", "burst"}:
        alike, unread = _alike(photos)
    if "alike" in wanted:
        groups += _groups("alike", photos, (photos.with_copies(group) for group in alike))
    if "burst" in wanted:
        groups += _groups("burst", photos, _bursts(photos, alike))
    return Duplicates(tuple(groups), tuple(unread))


class _Photos:
    """The photos by their row in the table of a search, with what the database says of them."""

    def __init__(self, searched: Searched) -> None:
        self.contents = searched.table.contents
        self.vectors = searched.embeddings
        rows = {photo: row for row, photo in enumerate(searched.table.ids.tolist())}
        self.paths: dict[int, Path] = {}
        self.moments: dict[int, tuple[Path, datetime]] = {}
        for photo, root, path, taken in searched.database.execute(PHOTOS):
            if (row := rows.get(photo)) is not None:
                self.paths[row] = unescape_path(f"{root.rstrip('/')}/{path}")
                if taken is not None and (moment := _moment(taken)) is not None:
                    self.moments[row] = self.paths[row].parent, moment
        self.by_content: dict[int, list[int]] = defaultdict(list)
        for row, content in enumerate(self.contents.tolist()):
            if content >= 0 and row in self.paths:
                self.by_content[content].append(row)

    def with_copies(self, rows: Iterable[int]) -> list[int]:
        """The photos of the same contents."""
        return [copy for row in rows for copy in self.by_content[int(self.contents[row])]]


def _moment(taken: str) -> datetime | None:
    try:
        return datetime.fromisoformat(taken)
    except ValueError:
        return None


def _alike(photos: _Photos) -> tuple[list[tuple[int, ...]], list[PhotoError]]:
    """Groups of rows, one for each content, that show one picture; and why others could not be compared."""
    known = [rows[0] for rows in photos.by_content.values() if photos.vectors.known[rows[0]]]
    firsts = np.array(known, np.intp)
    rows: list[int] = firsts[photos.vectors.have_near(firsts, LEAST_ALIKE)].tolist()
    prints = list(read_fingerprints(photos.paths[row] for row in rows))
    good = [(row, one) for row, one in zip(rows, prints, strict=True) if not isinstance(one, PhotoError)]
    unread = [one for one in prints if isinstance(one, PhotoError)]
    groups = duplicate_groups(np.array([one for _, one in good], FINGERPRINT))
    return [tuple(good[place][0] for place in group) for group in groups], unread


def _bursts(photos: _Photos, alike: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Runs of photos of one folder. Copies of one picture count once."""
    copies = {row for group in alike for row in group[1:]} | {
        row for rows in photos.by_content.values() for row in rows[1:]
    }
    ordered = sorted((moment, row) for row, moment in photos.moments.items() if row not in copies)
    rows = [row for _, row in ordered if photos.vectors.known[row]]
    run: list[int] = []
    for before, row, cosine in zip(rows, rows[1:], _neighbours(photos, rows), strict=False):
        (folder, first), (same, second) = photos.moments[before], photos.moments[row]
        if folder == same and (second - first).total_seconds() <= BURST_SECONDS and cosine >= LEAST_IN_BURST:
            run = [*(run or [before]), row]
            continue
        if run:
            yield run
        run = []
    if run:
        yield run


def _neighbours(photos: _Photos, rows: Sequence[int], batch: int = 4096) -> Iterator[float]:
    """The cosine of each photo with the next one."""
    places = np.array(rows, np.intp)
    for start in range(0, len(places) - 1, batch):
        vectors = photos.vectors.of_rows(places[start : start + batch + 1]).floats()
        yield from (vectors[:-1] * vectors[1:]).sum(axis=1).tolist()


def _groups(kind: Kind, photos: _Photos, groups: Iterable[Iterable[int]]) -> list[DuplicateGroup]:
    found = [DuplicateGroup(kind, tuple(sorted(photos.paths[row] for row in group))) for group in groups]
    return sorted(found, key=lambda group: group.photos)

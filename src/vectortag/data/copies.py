"""Fingerprints of a training's photos, kept in the cache, and a warning where a photo would be judged by its copy."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.data.duplicates import FINGERPRINT, duplicate_groups, read_fingerprints
from vectortag.data.records import DataSet, Record
from vectortag.data.training_cache import Array, cached_array, photo_key

log = logging.getLogger(__name__)

Prints = Mapping[Path, np.void]

STORED = np.dtype([("readable", np.bool_), ("print", FINGERPRINT)])
NOTHING = np.zeros((), FINGERPRINT)

SHOWN = 3
"""Groups that a warning names; `vectortag check` lists all."""


def fingerprints_of(data: DataSet) -> tuple[Prints, dict[Path, PhotoError]]:
    """The fingerprint of each photo of a data set that can be read, and the errors of the others.

    Those of photos in shards are of the files that they were made from, and are in the shards.
    """
    packed = {one.path: one.packed for one in data.records if one.packed is not None}
    if packed:
        return {path: np.frombuffer(one.print, FINGERPRINT)[0] for path, one in packed.items()}, {}

    def rows(array: Array) -> Iterable[int]:
        stored: Any = array
        for place, one in enumerate(read_fingerprints(record.path for record in data.records)):
            is_readable = not isinstance(one, PhotoError)
            stored[place]["readable"] = is_readable
            stored[place]["print"] = one if is_readable else NOTHING
            yield place + 1

    key = f"cosines of 32 x 32, or unreadable, {photo_key(data.records)}"
    found: np.ndarray[Any, Any] = cached_array("fingerprints", key, (len(data.records),), STORED, rows)
    paths = [record.path for record in data.records]
    suspects = [path for path, is_readable in zip(paths, found["readable"], strict=True) if not is_readable]
    # They are read again for their errors, which are not kept.
    again = dict(zip(suspects, read_fingerprints(suspects), strict=True)) if suspects else {}
    errors = {path: one for path, one in again.items() if isinstance(one, PhotoError)}
    prints = {path: one for path, one in zip(paths, found["print"], strict=True) if path not in errors}
    return prints | {path: one for path, one in again.items() if not isinstance(one, PhotoError)}, errors


def groups_among(photos: Sequence[Path], prints: Prints) -> list[tuple[int, ...]]:
    """The groups of photos that show one picture, as places in `photos`; one without a print is in none."""
    places = [place for place, photo in enumerate(photos) if photo in prints]
    groups = duplicate_groups(np.array([prints[photos[place]] for place in places], FINGERPRINT))
    return [tuple(places[one] for one in group) for group in groups]


def warn_of_copies(training: Sequence[Record], validation: Sequence[Record], prints: Prints) -> None:
    """Log a warning where validation photos have a copy among the training photos, of whatever data set."""
    records = (*training, *validation)
    across = [
        group
        for group in groups_among([record.path for record in records], prints)
        if group[0] < len(training) <= group[-1]
    ]
    if not across:
        return
    copied = sum(place >= len(training) for group in across for place in group)
    shown = "; ".join(" = ".join(str(records[place].path) for place in group) for group in across[:SHOWN])
    more = "; ..." if len(across) > SHOWN else ""
    log.warning(
        "%d of %d validation photos show the same picture as a training photo, which flatters the figures: %s%s",
        *(copied, len(validation), shown, more),
    )

"""Fingerprints of a training's photos, kept in the cache, and a warning where a photo would be judged by its copy."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from vectortag.core.errors import PhotoError, TrainingError
from vectortag.data.duplicates import FINGERPRINT, duplicate_groups, read_fingerprints
from vectortag.data.records import DataSet, Record
from vectortag.data.training_cache import Array, cached_array, photo_key

log = logging.getLogger(__name__)

Prints = Mapping[Path, np.void]

SHOWN = 3
"""Groups that a warning names; `vectortag check` lists all."""


def fingerprints_of(data: DataSet) -> Prints:
    """The fingerprint of each photo of a data set.

    Raises:
        TrainingError: a photo cannot be read; `vectortag check` lists all of them.
    """

    def rows(array: Array) -> Iterable[int]:
        found = read_fingerprints(record.path for record in data.records)
        for place, (record, one) in enumerate(zip(data.records, found, strict=True)):
            if isinstance(one, PhotoError):
                raise TrainingError(f"{data.name}, row {record.row}: {one}. List all: vectortag check {data.csv}")
            array[place] = one
            yield place + 1

    key = f"cosines of 32 x 32, {photo_key(data.records)}"
    prints = cached_array("fingerprints", key, (len(data.records),), FINGERPRINT, rows)
    return {record.path: one for record, one in zip(data.records, prints, strict=True)}


def groups_among(records: Sequence[Record], prints: Prints) -> list[tuple[int, ...]]:
    """The groups of records whose photos show one picture, as places in `records`."""
    return duplicate_groups(np.array([prints[record.path] for record in records], FINGERPRINT))


def warn_of_copies(training: Sequence[Record], validation: Sequence[Record], prints: Prints) -> None:
    """Log a warning where validation photos have a copy among the training photos, of whatever data set."""
    records = (*training, *validation)
    across = [group for group in groups_among(records, prints) if group[0] < len(training) <= group[-1]]
    if not across:
        return
    copied = sum(place >= len(training) for group in across for place in group)
    shown = "; ".join(" = ".join(str(records[place].path) for place in group) for group in across[:SHOWN])
    more = "; ..." if len(across) > SHOWN else ""
    log.warning(
        "%d of %d validation photos show the same picture as a training photo, which flatters the figures: %s%s",
        *(copied, len(validation), shown, more),
    )

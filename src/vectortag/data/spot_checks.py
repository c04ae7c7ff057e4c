"""What somebody saw who looked at tags that a model would show: the only judge where no data set knows an absence.

A CSV file with the columns `data,image_path,tag,right`: the name of the data set, the photo as in its metadata.csv, one
tag, and 1 or 0. A row of a photo or a tag that a training does not have is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vectortag.core.errors import DataError
from vectortag.core.types import UNKNOWN, ByteArray
from vectortag.data.records import Record
from vectortag.data.tables import opened_table

COLUMNS = ("data", "image_path", "tag", "right")


def read_spot_checks(file: str | Path) -> Mapping[tuple[str, str], Mapping[str, bool]]:
    """By data set and image path: what was seen, by tag.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row says neither 1 nor 0.
    """
    seen: dict[tuple[str, str], dict[str, bool]] = {}
    with opened_table(Path(file), COLUMNS) as table:
        for number, row in table.rows:
            if isinstance(row, DataError):
                raise row
            if row["right"] not in {"0", "1"}:
                raise DataError(f'{file}:{number}: column "right" is {row["right"]!r}. Expected 1 or 0')
            seen.setdefault((row["data"], row["image_path"]), {})[row["tag"]] = row["right"] == "1"
    return seen


def checked_targets(
    seen: Mapping[tuple[str, str], Mapping[str, bool]],
    records: Sequence[Record],
    folders: Mapping[str, Path],
    tags: Sequence[str],
) -> ByteArray:
    """(N, T): 1 where somebody saw that a record has a tag, 0 where not, 255 where nobody looked.

    Args:
        folders: by the name of a data set, the folder of its metadata.csv.
    """
    rows = {record.path: row for row, record in enumerate(records)}
    places = {tag: place for place, tag in enumerate(tags)}
    targets = np.full((len(records), len(tags)), UNKNOWN, np.uint8)
    for (data, image), said in seen.items():
        row = rows.get(folders[data] / image) if data in folders else None
        for tag, right in said.items():
            if row is not None and tag in places:
                targets[row, places[tag]] = right
    return targets

"""A hash of all that a training learns from and is judged by, for provenance: equal data, equal hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from vectortag.data.records import Record, record_hash
from vectortag.data.training import TrainingData


def data_digests(data: TrainingData) -> dict[str, str]:
    """The hash of each set, by its name: of content, words and part of every photo; names of files do not count.

    Raises:
        DataError: a photo can no longer be read.
    """
    found = {}
    for info in data.data_sets:
        parts = ("train", data.training.records), ("val", data.validation.records)
        lines = [line for part, records in parts for line in _lines(part, records, info.name)]
        found[info.name] = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    return found


def _lines(part: str, records: Sequence[Record], name: str) -> list[str]:
    own = [record for record in records if record.dataset == name]
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(record_hash, own))
    return [json.dumps([digest, part, sorted(set(record.words))]) for digest, record in zip(hashes, own, strict=True)]

"""What `vectortag check` says of a data set before anyone trains on it."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.data.duplicates import FINGERPRINT, duplicate_groups, read_fingerprints
from vectortag.data.records import DataSet
from vectortag.data.vocabulary import count_tags
from vectortag.model.taxonomy import Taxonomy

TAIL_MIN_PHOTOS = 5
"""A word of the tail that fewer photos have is not worth a rule in the taxonomy."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """What is in a data set.

    Attributes:
        unreadable: an error for each photo that cannot be decoded, and each sidecar that cannot be read.
        duplicates: groups of photos that show one picture; no problem where they are on one side of a split.
        tag_counts: photos per tag, after the taxonomy.
        untagged: photos that have no tag after the taxonomy.
        near_synonyms: pairs of words that look like one tag and that the taxonomy does not join.
    """

    data: DataSet
    unreadable: tuple[str, ...]
    duplicates: tuple[tuple[Path, ...], ...]
    tag_counts: Counter[str]
    untagged: int
    near_synonyms: tuple[tuple[str, str], ...]

    @property
    def has_problems(self) -> bool:
        return bool(self.data.problems or self.unreadable)


def check_data_set(data: DataSet, taxonomy: Taxonomy) -> DataReport:
    """Decode every photo, count every tag and look for words that should be one tag."""
    counts = count_tags(data.records, taxonomy)
    paths = tuple(record.path for record in data.records)
    prints = dict(zip(paths, read_fingerprints(record.photo for record in data.records), strict=True))
    return DataReport(
        data=data,
        unreadable=(*data.closed, *data.unread, *_unreadable(data, prints)),
        duplicates=tuple(_duplicates(prints)),
        tag_counts=counts,
        untagged=sum(not taxonomy.tags_of(record.words, dataset=data.name) for record in data.records),
        near_synonyms=tuple(near_synonyms(counts, taxonomy)),
    )


def _unreadable(data: DataSet, prints: Mapping[Path, np.void | PhotoError]) -> Iterator[str]:
    for record in data.records:
        found = prints[record.path]
        if isinstance(found, PhotoError):
            yield f"{data.where(record)}: {found}"


def _duplicates(prints: Mapping[Path, np.void | PhotoError]) -> Iterator[tuple[Path, ...]]:
    readable = {path: found for path, found in prints.items() if not isinstance(found, PhotoError)}
    paths = tuple(readable)
    for group in duplicate_groups(np.array(list(readable.values()), FINGERPRINT)):
        yield tuple(paths[place] for place in group)


def near_synonyms(counts: Counter[str], taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    """Yield (rarer, more frequent) pairs of tags of one stem or of nearly one spelling, that no implication joins.

    >>> list(near_synonyms(Counter({"dog": 9, "dogs": 5, "fog": 7}), Taxonomy()))
    [('dogs', 'dog')]
    """
    words = sorted((word for word in counts if counts[word] >= TAIL_MIN_PHOTOS), key=lambda word: (-counts[word], word))
    for index, rarer in enumerate(words):
        for frequent in words[:index]:
            related = frequent in taxonomy.ancestors(rarer) or rarer in taxonomy.ancestors(frequent)
            if not related and _looks_the_same(rarer, frequent):
                yield rarer, frequent


def _looks_the_same(one: str, other: str) -> bool:
    if _stem(one) == _stem(other):
        return True
    if min(len(one), len(other)) < 6 or one[0] != other[0]:
        return False
    matcher = difflib.SequenceMatcher(None, one, other)
    return matcher.real_quick_ratio() >= 0.9 and matcher.ratio() >= 0.9


def _stem(word: str) -> str:
    """A rough stem, only for noticing: plurals and -ing, without the doubled consonant ("running" -> "run").

    >>> [_stem(word) for word in ("dogs", "running", "ponies", "bus")]
    ['dog', 'run', 'pony', 'bus']
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        return stem[:-1] if stem[-1] == stem[-2] else stem
    if word.endswith("s") and not word.endswith(("ss", "us")) and len(word) > 3:
        return word[:-1]
    return word

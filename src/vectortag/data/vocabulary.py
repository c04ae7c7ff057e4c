"""Which tags a model learns, and what each record says of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import DataError
from vectortag.core.text import LONGEST_NAME
from vectortag.core.types import UNKNOWN, ByteArray
from vectortag.data.records import Record
from vectortag.model.limits import MOST_TAGS
from vectortag.model.taxonomy import Taxonomy

log = logging.getLogger(__name__)


def record_tags(record: Record, taxonomy: Taxonomy) -> set[str]:
    """The tags of a record: its words translated by the taxonomy, with every parent."""
    return taxonomy.tags_of(record.words, dataset=record.dataset)


def count_tags(records: Iterable[Record], taxonomy: Taxonomy) -> Counter[str]:
    """How many records have each tag."""
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record_tags(record, taxonomy))
    return counts


def choose_vocabulary(
    records: Iterable[Record],
    taxonomy: Taxonomy,
    *,
    top_k: int | None = None,
    min_photos: int = 1,
    limit: str = "min_photos",
) -> tuple[str, ...]:
    """The most frequent tags of some records, in alphabetical order.

    Args:
        records: those of training and validation together, so that the choice does not depend on the split.
        taxonomy: applied before counting.
        top_k: at most this many; ties go to the alphabetically first. None is all.
        min_photos: leave out tags with fewer photos.
        limit: what the user sets this number by, for the error.

    Raises:
        DataError: nothing is left.
    """
    counts = count_tags(records, taxonomy)
    if long := [tag for tag in counts if len(tag) > LONGEST_NAME]:
        log.warning("left out: %d words of more than %d characters, such as %r", len(long), LONGEST_NAME, long[0][:40])
    frequent = (tag for tag in counts.keys() - set(long) if counts[tag] >= min_photos)
    ranked = sorted(frequent, key=lambda tag: (-counts[tag], tag))
    if len(ranked[:top_k]) > MOST_TAGS:
        log.warning("left out: all but the %d most frequent of %d tags", MOST_TAGS, len(ranked))
        ranked = ranked[:MOST_TAGS]
    if not ranked:
        most = max(counts.values(), default=0)
        raise DataError(f"no tag has {min_photos} photos; the most frequent has {most}. Lower {limit}")
    return tuple(sorted(ranked[:top_k]))


def known_tags(
    records: Iterable[Record],
    tags: Sequence[str],
    taxonomy: Taxonomy,
    dataset: str,
    *,
    stated: Iterable[str] | None = None,
) -> tuple[str, ...]:
    """The tags whose absence one data set knows, in the order of `tags`.

    A set may state them (`DataSet.known`). Where it does not, a tag is known if the set names it directly and names
    none of its children. In both cases those of the taxonomy's `complete` list are known, too. Elsewhere a missing tag
    means nothing: COCO's `tie` implies clothing, but COCO's other clothed people are not "no clothing".
    """
    complete = set(taxonomy.complete.get(dataset, ()))
    if stated is not None:
        known = {taxonomy.canonical(word, dataset=dataset) for word in stated} | complete
    else:
        direct = {taxonomy.canonical(word, dataset=dataset) for record in records for word in record.words} - {None}
        parents = {ancestor for tag in direct if tag for ancestor in taxonomy.ancestors(tag)}
        known = (direct - parents) | complete
    return tuple(tag for tag in tags if tag in known)


def build_targets(
    records: Sequence[Record], tags: Sequence[str], taxonomy: Taxonomy, known: Iterable[str]
) -> ByteArray:
    """What one data set's records say of each tag: (N, T) uint8, 1 = there, 0 = known to be absent, 255 = unknown.

    Where a tag in `known` is absent, all its descendants are absent too: no animal means no dog, whether or not the
    set has the word "dog".
    """
    place = {tag: index for index, tag in enumerate(tags)}
    below = {
        place[tag]: [place[child] for child in tags if tag in taxonomy.ancestors(child)]
        for tag in known
        if tag in place
    }
    targets = np.full((len(records), len(tags)), UNKNOWN, np.uint8)
    for row, record in zip(targets, records, strict=True):
        present = [place[tag] for tag in record_tags(record, taxonomy) if tag in place]
        has = set(present)
        for tag, descendants in below.items():
            if tag not in has:
                row[[tag, *descendants]] = 0
        row[present] = 1
    return targets


def unnamed_tags(
    records: Sequence[Record], tags: Sequence[str], taxonomy: Taxonomy, targets: ByteArray
) -> npt.NDArray[np.bool_]:
    """Which unknown entries are probably absent: (N, T) bool, from what `build_targets` gave of these records.

    What nobody named is mostly not there. That does not hold for the children of what was named: a photo that is
    said to show a dog may well show a poodle.
    """
    place = {tag: index for index, tag in enumerate(tags)}
    below = {tag: [place[child] for child in tags if tag in taxonomy.ancestors(child)] for tag in tags}
    unnamed: npt.NDArray[np.bool_] = targets == UNKNOWN
    for row, record in zip(unnamed, records, strict=True):
        for tag in record_tags(record, taxonomy):
            row[below.get(tag, [])] = False
    return unnamed


def judgeable(targets: ByteArray, sets: npt.NDArray[np.str_] | None = None) -> ByteArray:
    """Targets in which a tag whose absence is never known is unknown altogether: it could not be wrong.

    Args:
        targets: (N, T) uint8, 255 = unknown.
        sets: (N,) the data set of each photo: each judges by what it knows itself. None is one set for all.
    """
    if sets is None:
        return np.where((targets == 0).any(axis=0), targets, UNKNOWN).astype(np.uint8)
    judged = np.full_like(targets, UNKNOWN)
    for name in np.unique(sets):
        judged[sets == name] = judgeable(targets[sets == name])
    return judged

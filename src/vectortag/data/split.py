"""Split records into a training and a validation part so that rare tags are in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from vectortag.core.errors import DataError
from vectortag.data.records import DataSet, Record

TRAIN_NAMES = frozenset({"train", "training"})
VALIDATION_NAMES = frozenset({"val", "valid", "validation"})
TEST_NAMES = frozenset({"test", "testing"})


Stratify = Literal["iterative", "rarest"]

EVERY_PHOTO = ""
"""A tag that every photo has, so that the size of the parts is balanced like any other tag, and last of all."""


def split_records(
    records: Sequence[Record],
    tags: Sequence[set[str]],
    *,
    validation: float,
    seed: int,
    stratify: Stratify = "iterative",
) -> tuple[list[Record], list[Record]]:
    """Split so that each tag, and the whole, gives its share to validation.

    A tag that only four photos have is in both parts at a share of a quarter, which a plain random split would not
    promise; where photos have so many rare tags that not all can be served, the rarest come first.

    Args:
        records: what to split.
        tags: the tags of each record, aligned with `records`.
        validation: the share of validation, in (0, 1).
        seed: the same seed gives the same split.
        stratify: "iterative" balances every tag; "rarest" is the simple way, which parts the photos of each rarest tag
            at random, and keeps rare tags less well (benchmarks/split.py).

    Returns:
        training and validation, each in the order of `records`.

    Raises:
        DataError: there are fewer than two records, or the share is not in (0, 1).
    """
    if not 0 < validation < 1:
        raise DataError(f"the share of validation must lie between 0 and 1, got {validation}")
    if len(records) < 2:
        raise DataError(f"a split needs at least two photos, got {len(records)}")
    order = np.random.default_rng(seed).permutation(len(records)).tolist()
    counts = Counter(tag for of_one in tags for tag in of_one)
    # A tag that cannot give half a photo to each part is not balanced: there is nothing to see of it in validation.
    balanced = {tag: count for tag, count in counts.items() if min(validation, 1 - validation) * count >= 0.5}
    balanced[EVERY_PHOTO] = len(records)
    of_each = [{EVERY_PHOTO, *of_one} & balanced.keys() for of_one in tags]

    choose = _by_rarest_tag if stratify == "rarest" else _stratify
    chosen = choose(order, of_each, balanced, validation)
    surplus = len(chosen) - min(max(round(validation * len(records)), 1), len(records) - 1)
    movable = [index for index in order if (index in chosen) == (surplus > 0)]
    movable.sort(key=lambda index: min(balanced[tag] for tag in of_each[index]), reverse=True)  # rare tags stay put
    chosen ^= set(movable[: abs(surplus)])
    training = [record for index, record in enumerate(records) if index not in chosen]
    return training, [records[index] for index in sorted(chosen)]


def split_together(
    records: Sequence[Record],
    tags: Sequence[set[str]],
    groups: Sequence[Sequence[int]],
    *,
    validation: float,
    seed: int,
    stratify: Stratify = "iterative",
) -> tuple[list[Record], list[Record]]:
    """Split as `split_records`, with each group on one side, so that no training photo is judged by its own copy.

    A group is split as one photo that has all its tags, so validation's share is that of photos and groups together.

    Args:
        groups: places in `records` that must not be parted, such as `vectortag.data.duplicates` finds; no place twice.

    Raises:
        DataError: as `split_records`, the photos of a group counting as one.
    """
    leaders = {place: first for first, *others in groups for place in others}
    joined = {group[0]: set[str]().union(*(tags[place] for place in group)) for group in groups}
    alone = [place for place in range(len(records)) if place not in leaders]
    _, chosen = split_records(
        [records[place] for place in alone],
        [joined.get(place, tags[place]) for place in alone],
        validation=validation,
        seed=seed,
        stratify=stratify,
    )
    kept = set(chosen)
    sides: tuple[list[Record], list[Record]] = ([], [])
    for place, record in enumerate(records):
        sides[records[leaders.get(place, place)] in kept].append(record)
    return sides


def _stratify(order: list[int], tags: list[set[str]], counts: dict[str, int], validation: float) -> set[int]:
    """Choose the validation photos by iterative stratification (Sechidis et al. 2011, 10.1007/978-3-642-23808-6_10).

    The tag with the fewest photos left comes first: each of them goes to the part that still wants more of the tag.
    """
    chosen: set[int] = set()
    left: dict[str, dict[int, None]] = {tag: {} for tag in counts}
    for index in order:
        for tag in tags[index]:
            left[tag][index] = None
    lead = {tag: (2 * validation - 1) * count for tag, count in counts.items()}  # wanted in validation - in training
    while left:
        rarest = min(left, key=lambda tag: (len(left[tag]), tag))
        for index in tuple(left[rarest]):
            to_validation = (lead[rarest], lead[EVERY_PHOTO]) > (0, 0)
            if to_validation:
                chosen.add(index)
            for tag in tags[index]:
                lead[tag] -= 1 if to_validation else -1
                if tag in left:
                    del left[tag][index]
        del left[rarest]
    return chosen


def _by_rarest_tag(order: list[int], tags: list[set[str]], counts: dict[str, int], validation: float) -> set[int]:
    """Choose the validation photos among those of each rarest tag, as many as are its share."""
    strata: dict[str, list[int]] = {}
    for index in order:
        strata.setdefault(min(tags[index], key=lambda tag: (counts[tag], tag)), []).append(index)
    return {index for photos in strata.values() for index in photos[: round(validation * len(photos))]}


def split_by_column(data: DataSet) -> tuple[list[Record], list[Record]]:
    """The parts that the column `split` names; a third part, such as "test", is in neither.

    Raises:
        DataError: one of the two is empty.
    """
    training = [record for record in data.records if record.split in TRAIN_NAMES]
    validation = [record for record in data.records if record.split in VALIDATION_NAMES]
    if not training or not validation:
        found = ", ".join(sorted({record.split or "nothing" for record in data.records}))
        raise DataError(f'{data.csv}: column "split" must name train and val, got only {found}')
    return training, validation

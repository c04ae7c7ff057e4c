"""Split records into a training and a validation part so that rare tags are in both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from vectortag.data.records import DataSet, Record
from vectortag.errors import DataError

TRAIN_NAMES = frozenset({"train", "training"})
VALIDATION_NAMES = frozenset({"val", "valid", "validation"})


def split_records(
    records: Sequence[Record], tags: Sequence[set[str]], *, validation: float, seed: int
) -> tuple[list[Record], list[Record]]:
    """Split at random within groups of equal rarest tag.

    Each record belongs to the group of its rarest tag, and each group gives its share to validation, so a tag that
    only four photos have is in both parts, which a plain random split would not promise. A group of one photo goes to
    training.

    Args:
        records: what to split.
        tags: the tags of each record, aligned with `records`.
        validation: the share of validation, in (0, 1).
        seed: the same seed gives the same split.

    Returns:
        training and validation, each in the order of `records`.

    Raises:
        DataError: there are fewer than two records, or the share is not in (0, 1).
    """
    if not 0 < validation < 1:
        raise DataError(f"the share of validation must lie between 0 and 1, got {validation}")
    if len(records) < 2:
        raise DataError(f"a split needs at least two photos, got {len(records)}")
    generator = np.random.default_rng(seed)
    chosen: set[int] = set()
    owed = 0.0  # what rounding kept back from validation so far: carried on, so that the total comes out right
    for group in _groups_by_rarest_tag(tags):
        share = validation * len(group)
        take = min(int(share + owed + 0.5), len(group) - 1)
        if len(group) > 1 and share >= 0.5:
            take = max(take, 1)
        owed += share - take
        chosen.update(generator.permutation(group)[:take].tolist())
    if not chosen:
        chosen.add(int(generator.integers(len(records))))
    training = [record for index, record in enumerate(records) if index not in chosen]
    return training, [records[index] for index in sorted(chosen)]


def _groups_by_rarest_tag(tags: Sequence[set[str]]) -> list[list[int]]:
    counts = Counter(tag for of_one in tags for tag in of_one)
    groups: dict[str, list[int]] = defaultdict(list)
    for index, of_one in enumerate(tags):
        rarest = min(of_one, key=lambda tag: (counts[tag], tag), default="")
        groups[rarest].append(index)
    return [groups[tag] for tag in sorted(groups, key=lambda tag: (counts[tag], tag))]


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

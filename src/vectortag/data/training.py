"""All data sets of a training together: who trains, who validates, what each photo says of each tag."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import DataError
from vectortag.core.types import ByteArray
from vectortag.data.copies import Prints, fingerprints_of, groups_among, warn_of_copies
from vectortag.data.records import DataSet, Record, photo_hash
from vectortag.data.sampling import subsample
from vectortag.data.split import Stratify, split_by_column, split_together
from vectortag.data.usable import without_broken
from vectortag.data.vocabulary import build_targets, choose_vocabulary, count_tags, judgeable, known_tags, record_tags
from vectortag.model.class_groups import borrowed_tags
from vectortag.model.manifest import BESIDE_THE_SETS, DataSetInfo
from vectortag.model.taxonomy import Taxonomy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Photos with their targets: records of length N, targets (N, T) uint8 with 255 = unknown."""

    records: tuple[Record, ...]
    targets: ByteArray

    @property
    def sets(self) -> npt.NDArray[np.str_]:
        """(N,) the name of each photo's data set."""
        return np.array([record.dataset for record in self.records], np.str_)

    def only(self, rows: npt.NDArray[np.intp]) -> Part:
        """The part of this part that has these rows."""
        return Part(tuple(self.records[row] for row in rows), self.targets[rows])


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a training learns from and is judged by.

    A tag whose absence no set knows is learnt from nobody (all its training targets are unknown): it lives by its
    children.

    Attributes:
        tags: the vocabulary, in the order of the targets' columns.
        borrowed: tags that nothing is learnt of, since the backbone knows them; see `vectortag.model.class_groups`.
        borrowed_targets: (N, B) uint8, what the validation photos say of these all the same.
        data_sets: each set as the manifest remembers it.
    """

    tags: tuple[str, ...]
    taxonomy: Taxonomy
    training: Part
    validation: Part
    borrowed: tuple[str, ...]
    borrowed_targets: ByteArray
    data_sets: tuple[DataSetInfo, ...]

    @property
    def all_tags(self) -> tuple[str, ...]:
        """The tags of the model: those that are taught, and after them the borrowed ones."""
        return (*self.tags, *self.borrowed)

    @property
    def judged(self) -> ByteArray:
        """(N, T + B): the validation photos' targets of all of them."""
        return np.concatenate([self.validation.targets, self.borrowed_targets], axis=1)


def prepare_training_data(
    sets: Sequence[DataSet],
    taxonomy: Taxonomy,
    *,
    top_k: int | None = 150,
    min_photos: int = 1,
    max_samples: int | None = None,
    validation: float = 0.2,
    stratify: Stratify = "iterative",
    keep_duplicates_together: bool = True,
    classes: Collection[str] = (),
    skip_bad_rows: bool = False,
    seed: int = 1,
) -> TrainingData:
    """Split data sets, choose the vocabulary and build the targets.

    Args:
        top_k, min_photos: see `vectortag.data.vocabulary.choose_vocabulary`.
        max_samples: at most so many training photos, those with rare tags first.
        validation: the share that is kept from training in sets without a column `split`.
        stratify: how; see `vectortag.data.split.split_records`.
        keep_duplicates_together: photos that show one picture go to one side of it.
        classes: what the backbone knows: the taxonomy's groups of these become tags as well.
        skip_bad_rows: leave out broken photos instead of raising at them.

    Raises:
        DataError: a photo cannot be read; a set cannot be split, or no tag is frequent enough; two sets have one name,
            or a set has a name that a manifest's figures need.
    """
    _check_names([data.name for data in sets])
    sets, prints = _readable(sets, skip_bad_rows=skip_bad_rows)
    prints = prints if keep_duplicates_together else {}
    parts = [_split(data, taxonomy, prints, validation=validation, stratify=stratify, seed=seed) for data in sets]
    everyone, others = ([record for part in parts for record in part[side]] for side in (0, 1))
    if prints:
        warn_of_copies(everyone, others, prints)
    tags = _vocabulary(everyone, others, taxonomy, top_k=top_k, min_photos=min_photos)
    borrowed = borrowed_tags(taxonomy, classes, tags)
    everything = (*tags, *borrowed)
    known = [
        known_tags(records, everything, taxonomy, data.name) for data, (records, _) in zip(sets, parts, strict=True)
    ]
    training = _join([records for records, _ in parts], tags, taxonomy, known)
    _warn_of_what_nobody_denies(training, tags, known)
    kept = _join([records for _, records in parts], everything, taxonomy, known)
    if max_samples is not None:
        training = training.only(subsample(training.targets, max_samples, seed=seed))
    taken = Counter(record.dataset for record in training.records)
    return TrainingData(
        tags=tags,
        taxonomy=taxonomy,
        training=Part(training.records, judgeable(training.targets)),
        validation=Part(kept.records, kept.targets[:, : len(tags)]),
        borrowed=borrowed,
        borrowed_targets=kept.targets[:, len(tags) :],
        data_sets=tuple(
            DataSetInfo(name=data.name, train_photos=taken[data.name], known=names, validation=_hashes(judged))
            for data, (_, judged), names in zip(sets, parts, known, strict=True)
        ),
    )


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place] or name in BESIDE_THE_SETS:
            what = "two data sets have this name" if name in names[:place] else "this name stands for something else"
            raise DataError(f'data set "{name}": {what}. Give each a name of its own, in [[data]] or with --dataset')


def _readable(sets: Sequence[DataSet], *, skip_bad_rows: bool) -> tuple[list[DataSet], Prints]:
    """The sets without their broken photos, and the fingerprints of all photos."""
    readable: list[DataSet] = []
    prints: dict[Path, np.void] = {}
    for data in sets:
        found, broken = fingerprints_of(data)
        readable.append(without_broken(data, broken, skip_bad_rows=skip_bad_rows))
        prints |= found
        log.info("%s: %d photos", data.name, len(readable[-1].records))
    return readable, prints


Sides = tuple[list[Record], list[Record]]
"""Training and validation."""


def _split(
    data: DataSet, taxonomy: Taxonomy, prints: Prints, *, validation: float, stratify: Stratify, seed: int
) -> Sides:
    """As the set's own column says, or else by share; photos that show one picture, by their prints, on one side."""
    if data.has_splits:
        return split_by_column(data)
    tags = [record_tags(record, taxonomy) for record in data.records]
    groups = groups_among(data.records, prints) if prints else []
    if groups:
        log.info("%s: %d groups of photos show one picture and stay together", data.name, len(groups))
    return split_together(data.records, tags, groups, validation=validation, stratify=stratify, seed=seed)


def _vocabulary(
    training: Sequence[Record], validation: Sequence[Record], taxonomy: Taxonomy, *, top_k: int | None, min_photos: int
) -> tuple[str, ...]:
    """Chosen before the split, so that it does not depend on it; a warning names tags that no training photo has.

    Raises:
        DataError: nothing is left.
    """
    tags = choose_vocabulary((*training, *validation), taxonomy, top_k=top_k, min_photos=min_photos)
    counts = count_tags(training, taxonomy)
    if unseen := [tag for tag in tags if not counts[tag]]:
        log.warning("%s: left out, since only validation photos have it", ", ".join(unseen))
    if len(unseen) == len(tags):
        raise DataError("no training photo has any of the tags")
    return tuple(tag for tag in tags if counts[tag])


def _join(
    parts: Sequence[list[Record]], tags: Sequence[str], taxonomy: Taxonomy, known: Sequence[tuple[str, ...]]
) -> Part:
    targets = [build_targets(records, tags, taxonomy, names) for records, names in zip(parts, known, strict=True)]
    return Part(tuple(record for records in parts for record in records), np.concatenate(targets))


def _warn_of_what_nobody_denies(training: Part, tags: Sequence[str], known: Sequence[tuple[str, ...]]) -> None:
    """Of photos without any animal alone, a model learns that every animal is a wild one."""
    ever_absent = (training.targets == 0).any(axis=0)
    denied = {tag for names in known for tag in names}
    if alone := [tag for tag, absent in zip(tags, ever_absent, strict=True) if absent and tag not in denied]:
        log.warning(
            "%s: no data set knows their absence but by that of a parent, so they may be shown wherever the parent is. "
            "If a set names them whenever it shows them, say so under [complete] in the taxonomy",
            ", ".join(alone),
        )


def _hashes(records: Sequence[Record]) -> tuple[str, ...]:
    with ThreadPoolExecutor() as pool:
        return tuple(sorted(pool.map(photo_hash, (record.path for record in records))))

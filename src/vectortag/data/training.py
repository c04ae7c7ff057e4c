"""All data sets of a training together: who trains, who validates, what each photo says of each tag."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import DataError
from vectortag.core.types import ByteArray
from vectortag.data.copies import Prints, fingerprints_of, groups_among, warn_of_copies
from vectortag.data.records import DataSet, Record, record_hash
from vectortag.data.sampling import subsample
from vectortag.data.split import Stratify, split_by_column, split_together
from vectortag.data.usable import without_broken
from vectortag.data.vocabulary import (
    build_targets,
    choose_vocabulary,
    count_tags,
    judgeable,
    known_tags,
    record_tags,
    unnamed_tags,
)
from vectortag.model.class_groups import borrowed_tags
from vectortag.model.manifest import RESERVED_METRICS, DataSetInfo
from vectortag.model.taxonomy import Taxonomy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Photos with their targets.

    Attributes:
        records: of length N.
        targets: (N, T) uint8 with 255 = unknown.
        unnamed: (N, T) bool, which unknown tags are probably absent; None where that is not asked.
    """

    records: tuple[Record, ...]
    targets: ByteArray
    unnamed: npt.NDArray[np.bool_] | None = None

    @property
    def sets(self) -> npt.NDArray[np.str_]:
        """(N,) the name of each photo's data set."""
        return np.array([record.dataset for record in self.records], np.str_)

    def only(self, rows: npt.NDArray[np.intp]) -> Part:
        """The part of this part that has these rows."""
        unnamed = None if self.unnamed is None else self.unnamed[rows]
        return Part(tuple(self.records[row] for row in rows), self.targets[rows], unnamed)

    def of_tags(self, count: int) -> Part:
        """The same photos with the first tags alone."""
        unnamed = None if self.unnamed is None else self.unnamed[:, :count]
        return Part(self.records, self.targets[:, :count], unnamed)


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


@dataclass(frozen=True, slots=True)
class DataOptions:
    """How data sets become training data.

    Attributes:
        top_k, min_photos: see `vectortag.data.vocabulary.choose_vocabulary`.
        max_samples: at most so many training photos, those with rare tags first.
        validation: the share that is kept from training in sets without a column `split`.
        stratify: how; see `vectortag.data.split.split_records`.
        keep_duplicates_together: photos that show one picture go to one side of it.
        classes: what the backbone knows: the taxonomy's groups of these become tags as well.
        skip_bad_rows: leave out broken photos instead of raising at them.
        unnamed: also find out which tags are probably absent where nobody named them.
        most: by the name of a set, how many of its photos train at most.
        distinct: the sets that are known to repeat no photo, neither their own nor another's: nobody looks for copies.
    """

    top_k: int | None = 150
    min_photos: int = 1
    max_samples: int | None = None
    validation: float = 0.2
    stratify: Stratify = "iterative"
    keep_duplicates_together: bool = True
    classes: Collection[str] = ()
    skip_bad_rows: bool = False
    unnamed: bool = False
    most: Mapping[str, int] = field(default_factory=dict)
    distinct: Collection[str] = ()
    seed: int = 1


def prepare_training_data(
    sets: Sequence[DataSet], taxonomy: Taxonomy, options: DataOptions = DataOptions()
) -> TrainingData:
    """Split data sets, choose the vocabulary and build the targets.

    Raises:
        DataError: a photo cannot be read; a set cannot be split, or no tag is frequent enough; two sets have one name,
            or a set has a name that a manifest's figures need.
    """
    _check_names([data.name for data in sets])
    looked_at = {data.name for data in sets if options.keep_duplicates_together} - set(options.distinct)
    sets, prints = _readable(sets, looked_at, skip_bad_rows=options.skip_bad_rows)
    halves = [_split(one, taxonomy, prints, options) for one in sets]
    parts = [(_some(one, options.most.get(data.name)), kept) for data, (one, kept) in zip(sets, halves, strict=True)]
    everyone, others = ([record for part in parts for record in part[side]] for side in (0, 1))
    warn_of_copies(everyone, others, prints)
    tags = _vocabulary(everyone, others, taxonomy, options)
    borrowed = borrowed_tags(taxonomy, options.classes, tags)
    known = [
        known_tags(records, (*tags, *borrowed), taxonomy, data.name, stated=data.known)
        for data, (records, _) in zip(sets, parts, strict=True)
    ]
    training = _training([records for records, _ in parts], tags, taxonomy, known, options)
    judged = _join([records for _, records in parts], (*tags, *borrowed), taxonomy, known, unnamed=options.unnamed)
    return TrainingData(
        tags=tags,
        taxonomy=taxonomy,
        training=training,
        validation=judged.of_tags(len(tags)),
        borrowed=borrowed,
        borrowed_targets=judged.targets[:, len(tags) :],
        data_sets=_infos(sets, training, [records for _, records in parts], known),
    )


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place] or name in RESERVED_METRICS:
            what = "two data sets have this name" if name in names[:place] else "this name stands for something else"
            raise DataError(f'data set "{name}": {what}. Give each a name of its own, in [[data]] or with --dataset')


def _readable(
    sets: Sequence[DataSet], looked_at: Collection[str], *, skip_bad_rows: bool
) -> tuple[list[DataSet], dict[Path, np.void]]:
    """The sets without their broken photos, and the fingerprints of the photos of some sets.

    No photo is read where nobody looks for copies and none is to be left out. A broken one then stops whoever needs it.
    """
    readable: list[DataSet] = []
    prints: dict[Path, np.void] = {}
    for data in sets:
        if data.name in looked_at or skip_bad_rows:
            found, broken = fingerprints_of(data)
            readable.append(without_broken(data, broken, skip_bad_rows=skip_bad_rows))
            prints |= found if data.name in looked_at else {}
        else:
            readable.append(data)
        log.info("%s: %d photos", data.name, len(readable[-1].records))
    return readable, prints


Sides = tuple[list[Record], list[Record]]
"""Training and validation."""


def _split(data: DataSet, taxonomy: Taxonomy, prints: Prints, options: DataOptions) -> Sides:
    """As the set's own column says, or else by share; photos that show one picture, by their prints, on one side."""
    if data.has_splits:
        return split_by_column(data)
    tags = [record_tags(record, taxonomy) for record in data.records]
    groups = groups_among([record.path for record in data.records], prints)
    if groups:
        log.info("%s: %d groups of photos show one picture and stay together", data.name, len(groups))
    return split_together(
        data.records,
        tags,
        groups,
        validation=options.validation,
        stratify=options.stratify,
        seed=options.seed,
    )


def _some(records: list[Record], most: int | None) -> list[Record]:
    """At most so many, chosen by the hashes of their file names: the same on every machine, and of every class."""
    if most is None or len(records) <= most:
        return records
    ranked = sorted(records, key=lambda record: hashlib.md5(record.path.name.encode()).digest())
    chosen = {record.row for record in ranked[:most]}
    return [record for record in records if record.row in chosen]


def _vocabulary(
    training: Sequence[Record], validation: Sequence[Record], taxonomy: Taxonomy, options: DataOptions
) -> tuple[str, ...]:
    """Chosen before the split, so that it does not depend on it; a warning names tags that no training photo has.

    Raises:
        DataError: nothing is left.
    """
    everyone = (*training, *validation)
    tags = choose_vocabulary(everyone, taxonomy, top_k=options.top_k, min_photos=options.min_photos)
    counts = count_tags(training, taxonomy)
    if unseen := [tag for tag in tags if not counts[tag]]:
        log.warning("%s: left out, since only validation photos have it", ", ".join(unseen))
    if len(unseen) == len(tags):
        raise DataError("no training photo has any of the tags")
    return tuple(tag for tag in tags if counts[tag])


def _training(
    parts: Sequence[list[Record]],
    tags: Sequence[str],
    taxonomy: Taxonomy,
    known: Sequence[tuple[str, ...]],
    options: DataOptions,
) -> Part:
    part = _join(parts, tags, taxonomy, known, unnamed=options.unnamed)
    if not options.unnamed:
        _warn_of_what_nobody_denies(part, tags, known)
    if options.max_samples is not None:
        part = part.only(subsample(part.targets, options.max_samples, seed=options.seed))
    return part if options.unnamed else Part(part.records, judgeable(part.targets))


def _join(
    parts: Sequence[list[Record]],
    tags: Sequence[str],
    taxonomy: Taxonomy,
    known: Sequence[tuple[str, ...]],
    *,
    unnamed: bool = False,
) -> Part:
    together = tuple(record for records in parts for record in records)
    each = [build_targets(records, tags, taxonomy, names) for records, names in zip(parts, known, strict=True)]
    targets = np.concatenate(each)
    return Part(together, targets, unnamed_tags(together, tags, taxonomy, targets) if unnamed else None)


def _warn_of_what_nobody_denies(training: Part, tags: Sequence[str], known: Sequence[tuple[str, ...]]) -> None:
    """Of photos without any animal alone, a model learns that every animal is a wild one."""
    ever_absent = (training.targets == 0).any(axis=0)
    denied = {tag for names in known for tag in names}
    if alone := [tag for tag, absent in zip(tags, ever_absent, strict=True) if absent and tag not in denied]:
        log.warning(
            "%s: no data set says which photos of their parent do not show them, so they may be shown wherever the "
            "parent is. If a set names them wherever they are, list them under [complete] in the taxonomy",
            ", ".join(alone),
        )


def _infos(
    sets: Sequence[DataSet], training: Part, judged: Sequence[list[Record]], known: Sequence[tuple[str, ...]]
) -> tuple[DataSetInfo, ...]:
    taken = Counter(record.dataset for record in training.records)
    return tuple(
        DataSetInfo(name=data.name, train_photos=taken[data.name], known=names, validation=_hashes(records))
        for data, records, names in zip(sets, judged, known, strict=True)
    )


def _hashes(records: Sequence[Record]) -> tuple[str, ...]:
    with ThreadPoolExecutor() as pool:
        return tuple(sorted(pool.map(record_hash, records)))

"""All data sets of a training together: who trains, who validates, what each photo says of each tag."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.data.records import DataSet, Record, photo_hash, read_data_set
from vectortag.data.sampling import subsample
from vectortag.data.split import split_by_column, split_together
from vectortag.data.vocabulary import build_targets, choose_vocabulary, known_tags, record_tags
from vectortag.errors import ConfigError
from vectortag.manifest import DataSetInfo
from vectortag.metrics import judgeable
from vectortag.taxonomy import Taxonomy, load_taxonomy
from vectortag.train.config import TrainConfig
from vectortag.train.duplicates import Prints, fingerprints_of, groups_among, warn_of_copies
from vectortag.types import ByteArray

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Photos with their targets: records of length N, targets (N, T) uint8 with 255 = unknown."""

    records: tuple[Record, ...]
    targets: ByteArray

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
        data_sets: each set as the manifest remembers it.
    """

    tags: tuple[str, ...]
    taxonomy: Taxonomy
    training: Part
    validation: Part
    data_sets: tuple[DataSetInfo, ...]


def load_training_data(config: TrainConfig) -> TrainingData:
    """Read, split and count all data sets of a configuration.

    Raises:
        DataError: a set cannot be read or split, or no tag is frequent enough.
        TrainingError: a photo cannot be read.
        ConfigError: two sets have one name.
        TaxonomyError: the taxonomy is wrong.
    """
    if len({data.name for data in config.data}) < len(config.data):
        raise ConfigError("data: two sets have one name; the taxonomy and the manifest know sets by their names")
    taxonomy = load_taxonomy(config.vocabulary.taxonomy)
    sets = [read_data_set(data.csv, name=data.name) for data in config.data]
    for data in sets:
        log.info("%s: %d photos, %d missing", data.name, len(data.records), len(data.missing))
    parts = _part(sets, taxonomy, config)
    vocabulary = config.vocabulary
    everyone = [record for training, _ in parts for record in training]
    tags = choose_vocabulary(everyone, taxonomy, top_k=vocabulary.top_k, min_photos=vocabulary.min_photos)
    known = [known_tags(training, tags, taxonomy, data.name) for data, (training, _) in zip(sets, parts, strict=True)]
    everything = _join([training for training, _ in parts], tags, taxonomy, known)
    training = everything.only(subsample(everything.targets, config.max_samples, seed=config.seed))
    taken = Counter(record.dataset for record in training.records)
    return TrainingData(
        tags=tags,
        taxonomy=taxonomy,
        training=Part(training.records, judgeable(training.targets)),
        validation=_join([validation for _, validation in parts], tags, taxonomy, known),
        data_sets=tuple(
            DataSetInfo(name=data.name, train_photos=taken[data.name], known=names, validation=_hashes(validation))
            for data, (_, validation), names in zip(sets, parts, known, strict=True)
        ),
    )


Sides = tuple[list[Record], list[Record]]
"""Training and validation."""


def _part(sets: Sequence[DataSet], taxonomy: Taxonomy, config: TrainConfig) -> list[Sides]:
    if not config.keep_duplicates_together:
        return [_split(data, taxonomy, config, {}) for data in sets]
    prints = {path: one for data in sets for path, one in fingerprints_of(data).items()}
    parts = [_split(data, taxonomy, config, prints) for data in sets]
    training, validation = ([record for part in parts for record in part[side]] for side in (0, 1))
    warn_of_copies(training, validation, prints)
    return parts


def _split(data: DataSet, taxonomy: Taxonomy, config: TrainConfig, prints: Prints) -> Sides:
    """As the set's own column says, or else by share; photos that show one picture, by their prints, on one side."""
    if data.has_splits:
        return split_by_column(data)
    tags = [record_tags(record, taxonomy) for record in data.records]
    groups = groups_among(data.records, prints) if prints else []
    if groups:
        log.info("%s: %d groups of photos show one picture and stay together", data.name, len(groups))
    return split_together(data.records, tags, groups, validation=config.validation, seed=config.seed)


def _join(
    parts: Sequence[list[Record]], tags: Sequence[str], taxonomy: Taxonomy, known: Sequence[tuple[str, ...]]
) -> Part:
    targets = [build_targets(records, tags, taxonomy, names) for records, names in zip(parts, known, strict=True)]
    return Part(tuple(record for records in parts for record in records), np.concatenate(targets))


def _hashes(records: Sequence[Record]) -> tuple[str, ...]:
    with ThreadPoolExecutor() as pool:
        return tuple(sorted(pool.map(photo_hash, (record.path for record in records))))

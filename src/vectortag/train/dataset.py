"""The data sets that a configuration names, read and made ready."""

from __future__ import annotations

from collections.abc import Collection

from vectortag.core.errors import ConfigError, DataError
from vectortag.data.training import DataOptions, TrainingData, prepare_training_data
from vectortag.data.usable import read_usable
from vectortag.model.taxonomy import load_taxonomy
from vectortag.train.config import TrainConfig


def load_training_data(
    config: TrainConfig, *, classes: Collection[str] = (), skip_bad_rows: bool = False
) -> TrainingData:
    """Read, split and count all data sets of a configuration.

    Args:
        classes: what the backbone's own classifier knows; see `vectortag.model.class_groups`.
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.

    Raises:
        DataError: a set or a photo cannot be read, a set cannot be split, or no tag is frequent enough.
        ConfigError: two sets have one name.
        TaxonomyError: the taxonomy is wrong.
    """
    if len({data.name for data in config.data}) < len(config.data):
        raise ConfigError("data: two sets have one name; the taxonomy and the manifest know sets by their names")
    taxonomy = load_taxonomy(config.vocabulary.taxonomy)
    options = DataOptions(
        top_k=config.vocabulary.top_k,
        min_photos=config.vocabulary.min_photos,
        max_samples=config.max_samples,
        validation=config.validation,
        stratify=config.stratify,
        keep_duplicates_together=config.keep_duplicates_together,
        classes=classes if config.vocabulary.groups else (),
        skip_bad_rows=skip_bad_rows,
        unnamed=config.vocabulary.unnamed > 0 or config.across_sources,
        distinct={data.name for data in config.data if data.distinct},
        most={data.name: data.max_photos for data in config.data if data.max_photos},
        seed=config.seed,
    )
    sets = [read_usable(data.csv, name=data.name, skip_bad_rows=skip_bad_rows) for data in config.data]
    data = prepare_training_data(sets, taxonomy, options)
    if len(data.training.records) < 2:
        raise DataError("only one photo is for training, expected at least two")
    return data

"""How good a finished model is on a data set: the file that ships, run by the code that users run."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vectortag.core.errors import DataError, PhotoError
from vectortag.core.types import Arithmetic, ByteArray, FloatArray
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.records import DataSet, Record, record_hash, stop_at
from vectortag.data.split import TEST_NAMES, split_by_column
from vectortag.data.vocabulary import build_targets, judgeable, known_tags
from vectortag.evaluation.metrics import (
    AtFive,
    at_k,
    average_precision,
    calibration_error,
    calibration_error_per_tag,
    count,
    mean_over_tags,
)
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder
from vectortag.model.manifest import DataSetInfo, Manifest

log = logging.getLogger(__name__)

Split = Literal["train", "val", "test", "all"]
SPLITS: tuple[Split, ...] = ("train", "val", "test", "all")


@dataclass(frozen=True, slots=True)
class TagReport:
    """One tag: `support` positives; a figure that cannot be computed is None."""

    tag: str
    support: int
    average_precision: float | None
    threshold: float | None
    precision: float
    recall: float
    f1: float
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """A model on a data set.

    Attributes:
        precision: what the network computed in.
        size: pixels a side of its input.
        photos: how many were scored.
        failed: an error for each row that was left out, and for each folder that could not be read.
        map: macro mAP: the mean of average precision over the tags that have positives and negatives.
        map_tags: how many tags that is.
        micro_f1, macro_f1: at the model's own thresholds; macro over the tags with positives.
        at_five: exactly five tags a photo.
        calibration_error: expected calibration error over all entries together, 15 bins.
        calibration_error_per_tag: the mean of the tags' own.
        tags: one entry for each tag of the model that the set says anything of.
    """

    model: str
    precision: Arithmetic
    size: int
    data: str
    split: str
    photos: int
    failed: tuple[str, ...]
    map: float
    map_tags: int
    micro_f1: float
    macro_f1: float
    at_five: AtFive
    calibration_error: float
    calibration_error_per_tag: float
    tags: tuple[TagReport, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values; what is not a number becomes None."""
        return as_plain(asdict(self))

    def summary(self) -> dict[str, Any]:
        """Without the lists: what a manifest keeps."""
        return {key: value for key, value in self.to_json().items() if key not in {"tags", "failed", "model"}}


def evaluate(
    model: Tagger | ModelFolder | str | Path,
    data: str | Path | DataSet,
    *,
    split: Split = "all",
    dataset: str | None = None,
    skip_bad_rows: bool = False,
) -> Report:
    """Score the photos of a data set and compare with its tags, translated by the model's taxonomy.

    Args:
        model: a tagger, or a model's name or folder; it is judged by its own tags, without those that were added.
        data: a metadata.csv, its folder, or a folder of photos that carry keywords.
        split: "val" is what the column `split` says, or, without one, the model's validation photos; "test" is what the
            column says: no training or fit looks at these photos.
        dataset: the name under which the model knows the set; None is the name of its folder.
        skip_bad_rows: leave bad rows, missing and broken photos out instead of raising.

    Raises:
        DataError: the set cannot be read, or has no such part.
    """
    if not isinstance(data, DataSet):
        data = read_tagged_photos(data, name=dataset, skip_bad_rows=skip_bad_rows)
    tagger = (model if isinstance(model, Tagger) else Tagger.load(model, additions=False)).without_additions()
    manifest = tagger.folder.manifest
    data = as_known(data, split, manifest)
    records = choose_part(data, split, manifest)
    embeddings, readable, failed = embed_records(tagger, records, skip_bad_rows=skip_bad_rows)
    targets = build_targets(readable, tagger.tags, manifest.taxonomy, known_in(data, manifest))
    failed += (*data.closed, *data.problems)
    return make_report(tagger, tagger.scores(embeddings), targets, data=data.name, split=split, failed=failed)


def as_known(data: DataSet, split: Split, manifest: Manifest) -> DataSet:
    """A data set under the name that the model knows it by, recognised by its validation photos.

    The name decides which words the taxonomy translates and which tags the set knows. A set keeps its own name where
    the parts do not depend on the model, and where the model knows none of its photos.
    """
    info = manifest.data_set(data.name)
    if split not in {"train", "val"} or data.has_splits or (info and _knows_one(info, data)):
        return data
    hashes = {record_hash(record) for record in data.records}
    common = {one.name: len(hashes.intersection(one.validation)) for one in manifest.data_sets}
    name = max(common, key=lambda one: common[one], default="")
    if not common.get(name):
        return data
    log.info('%s: recognised as "%s" by %d validation photos', data.csv, name, common[name])
    return replace(data, name=name, records=tuple(replace(record, dataset=name) for record in data.records))


def has_learnt(manifest: Manifest, data: DataSet) -> bool:
    """Whether a model was trained on a data set: it has one of that name, or kept some of these photos from it."""
    if manifest.data_set(data.name) is not None:
        return True
    kept = {photo for info in manifest.data_sets for photo in info.validation}
    return any(record_hash(record) in kept for record in data.records) if kept else False


def _knows_one(info: DataSetInfo, data: DataSet) -> bool:
    kept = set(info.validation)
    return any(record_hash(record) in kept for record in data.records)


def choose_part(data: DataSet, split: Split, manifest: Manifest) -> list[Record]:
    """The records of one part of a data set.

    Raises:
        DataError: neither the file nor the model can say which photos these are.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}. Expected one of: {', '.join(SPLITS)}")
    if split == "all":
        return list(data.records)
    if split == "test":
        return _test_part(data)
    if data.has_splits:
        training, validation = split_by_column(data)
        return training if split == "train" else validation
    info = manifest.data_set(data.name)
    if info is None:
        names = ", ".join(info.name for info in manifest.data_sets)
        known = f", and none of its photos is among those that {manifest.name} kept from {names}" if names else ""
        raise DataError(
            f'{data.csv}: no column "split", and {manifest.name} was not trained on a set named "{data.name}"{known}. '
            "Pass --split all"
        )
    kept = set(info.validation)
    part = [record for record in data.records if (record_hash(record) in kept) == (split == "val")]
    if not part:
        raise DataError(f"{data.csv}: none of its photos is in the {split} part of {manifest.name}'s training")
    return part


def _test_part(data: DataSet) -> list[Record]:
    if part := [record for record in data.records if record.split in TEST_NAMES]:
        return part
    found = ", ".join(sorted({record.split or "nothing" for record in data.records}))
    raise DataError(f'{data.csv}: no photo is for testing: the column "split" says {found}, and never test')


def known_in(data: DataSet, manifest: Manifest) -> Sequence[str]:
    """The tags whose absence a data set knows: as recorded at training, else found out from the set itself."""
    if info := manifest.data_set(data.name):
        return info.known
    return known_tags(data.records, manifest.tags, manifest.taxonomy, data.name, stated=data.known)


def embed_records(
    tagger: Tagger, records: Sequence[Record], *, skip_bad_rows: bool = True
) -> tuple[FloatArray, list[Record], tuple[str, ...]]:
    """Embed the photos of records: (N, K), the records that could be read, and an error for each other one.

    Raises:
        DataError: no photo could be read; without `skip_bad_rows`, one could not.
    """
    embeddings, readable, failed = [], [], []
    results = tagger.embedder.embed_many(record.photo for record in records)
    for record, (_, embedding) in zip(records, results, strict=True):
        if isinstance(embedding, PhotoError):
            failed.append(f"row {record.row}: {embedding}")
            if not skip_bad_rows:
                raise DataError(stop_at(failed, record.path, "photo"))
        else:
            embeddings.append(embedding)
            readable.append(record)
    if not embeddings:
        raise DataError(f"none of {len(records)} photos could be read; the first: {failed[0] if failed else 'none'}")
    return np.stack(embeddings), readable, tuple(failed)


def make_report(
    tagger: Tagger, scores: FloatArray, targets: ByteArray, *, data: str, split: str, failed: tuple[str, ...] = ()
) -> Report:
    """Compare (N, T) scores with (N, T) targets; a tag whose absence the set never knows is left out."""
    targets = judgeable(targets)
    counts = count(tagger.shown(scores), targets)
    precisions = average_precision(scores, targets)
    errors = calibration_error_per_tag(scores, targets)
    tags = [
        TagReport(
            tag=tag,
            support=int(counts.positives[i]),
            average_precision=_number(precisions[i]),
            threshold=_number(tagger.thresholds[i]),
            precision=float(counts.precision[i]),
            recall=float(counts.recall[i]),
            f1=float(counts.f1[i]),
            calibration_error=_number(errors[i]),
        )
        for i, tag in enumerate(tagger.tags)
        if not np.isnan(errors[i])
    ]
    return Report(
        model=tagger.folder.id,
        precision=tagger.embedder.session.precision,
        size=tagger.embedder.size,
        data=data,
        split=split,
        photos=len(scores),
        failed=failed,
        map=mean_over_tags(precisions),
        map_tags=int((~np.isnan(precisions)).sum()),
        micro_f1=counts.micro_f1,
        macro_f1=counts.macro_f1,
        at_five=at_k(scores, targets),
        calibration_error=calibration_error(scores, targets),
        calibration_error_per_tag=mean_over_tags(errors),
        tags=tuple(tags),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def as_plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a report as JSON has them: tuples become lists, and what is not a number becomes None."""
    plain: dict[str, Any] = _without_nan(fields)
    return plain


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value

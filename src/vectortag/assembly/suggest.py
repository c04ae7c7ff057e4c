"""Which photos are worth a look for one tag: photos to label, and labels that look wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectortag.assembly.folds import FOLDS
from vectortag.assembly.label_errors import doubted_photos
from vectortag.core.errors import DataError, PhotoError
from vectortag.core.file_names import is_folder, is_missing
from vectortag.core.types import FloatArray, PackedPhoto
from vectortag.data.copies import fingerprints_of
from vectortag.data.embedding_cache import embed_photos
from vectortag.data.find import photos_of
from vectortag.data.records import DataSet, Record
from vectortag.data.shards.reading import are_shards
from vectortag.data.usable import read_usable
from vectortag.data.vocabulary import record_tags
from vectortag.evaluation.evaluate import has_learnt
from vectortag.inference.active_learning import Suggestion, likely_mistakes, most_useful
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import NETWORK, ModelFolder
from vectortag.personal.corrections import read_corrections

SUGGESTED = 20
"""Photos in each list, at most."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What is worth a look.

    Attributes:
        tag: as the model calls it.
        label: photos without a label that would help the tag most.
        check: labels that look wrong, the most doubtful first.
        labelled: how many photos have a label.
        doubted: how many labels look wrong, also those that are not in `check`.
        failed: an error for each photo that could not be read.
    """

    tag: str
    label: tuple[Suggestion, ...]
    check: tuple[Suggestion, ...]
    labelled: int
    doubted: int
    failed: tuple[PhotoError, ...]


def suggest(
    model: Tagger | ModelFolder | str | Path,
    tag: str,
    data: str | Path,
    *,
    count: int = SUGGESTED,
    folds: int | None = None,
) -> Suggestions:
    """Find photos that help a tag most: photos to label, and labels that may be wrong.

    If no photo has the tag as a label, all photos count as unlabelled. Corrections of the user count as labels.

    Args:
        model: a tagger, or a model's name or folder.
        tag: a tag of the model, or one of its synonyms.
        data: a folder of photos, a metadata.csv, or a folder of shards, whose photos keep their paths within it.
        count: the length of each list, at most.
        folds: judge the labels by heads that have not learnt them, each on all of so many parts but one. None is
            that with 5 parts where the model was trained on these photos, and else by the model itself.

    Raises:
        UnknownTagError: the model does not have the tag.
        DataError: the data cannot be read.
        ConfigError: there are fewer than two folds.
    """
    tagger = model if isinstance(model, Tagger) else Tagger.load(model)
    tag = tagger.tags[tagger.place(tag)]
    data_set = _data_set(Path(data))
    records = data_set.records if data_set else ()
    labels = _labels(tagger, tag, records)
    labels.update((one.photo, one.has) for one in read_corrections() if one.tag == tag)
    paths = _photos(Path(data), records)
    found, failed = embed_photos(tagger.embedder, tagger.folder.manifest.files[NETWORK], list(paths))
    embeddings = {paths[photo]: embedding for photo, embedding in found.items()}
    unlabelled = {photo: embedding for photo, embedding in embeddings.items() if photo.absolute() not in labels}
    labelled = {photo.absolute(): one for photo, one in embeddings.items() if photo.absolute() in labels}
    doubtful = _doubtful(tagger, tag, data_set, labelled, labels, folds)
    return Suggestions(
        tag=tag,
        label=tuple(most_useful(tagger, tag, unlabelled, count=count)),
        check=tuple(doubtful[:count]),
        labelled=len(labelled),
        doubted=len(doubtful),
        failed=tuple(failed),
    )


def _data_set(data: Path) -> DataSet | None:
    """What `check` reads; None where a folder has neither a metadata.csv nor keywords."""
    try:
        return read_usable(data, skip_bad_rows=True)
    except DataError:
        if not is_folder(data) or are_shards(data) or not is_missing(data / "metadata.csv"):
            raise
        return None


def _labels(tagger: Tagger, tag: str, records: Sequence[Record]) -> dict[Path, bool]:
    """The label of each photo; empty if no photo has the tag, since then nobody has labelled it."""
    taxonomy = tagger.folder.manifest.taxonomy
    labels = {record.path.absolute(): tag in record_tags(record, taxonomy) for record in records}
    return labels if any(labels.values()) else {}


def _photos(data: Path, records: Sequence[Record]) -> dict[Path | PackedPhoto, Path]:
    """The photos of the records, and the others of the folder, with their paths."""
    photos: dict[Path | PackedPhoto, Path] = {record.photo: record.path for record in records}
    if not is_folder(data) or are_shards(data):
        return photos
    known = {path.absolute() for path in photos.values()}
    return photos | {photo: photo for photo in photos_of([data]) if photo.absolute() not in known}


def _doubtful(
    tagger: Tagger,
    tag: str,
    data: DataSet | None,
    labelled: Mapping[Path, FloatArray],
    labels: Mapping[Path, bool],
    folds: int | None,
) -> list[Suggestion]:
    """The labels that look wrong: to heads that have not learnt them, or to a model that has not, either."""
    if folds is None and (data is None or not has_learnt(tagger.folder.manifest, data)):
        return likely_mistakes(tagger, tag, labelled, labels, count=len(labelled))
    prints = {} if data is None else {photo.absolute(): one for photo, one in fingerprints_of(data)[0].items()}
    return doubted_photos(labelled, labels, prints, folds=FOLDS if folds is None else folds)

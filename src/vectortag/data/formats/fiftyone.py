"""What FiftyOne exports: a FiftyOneDataset (samples.json), or classification and detection labels (labels.json)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.schema import SchemaError, from_json
from vectortag.data.find import photos_of
from vectortag.data.formats.rows import PARTS, Labelled, Labels, checked_words, photo_below, read_whole

Kind = TypeVar("Kind")

SAMPLES, LABELS = "samples.json", "labels.json"
KINDS = {
    **dict.fromkeys(("Classification", "Detection", "Polyline", "Keypoint")),
    "Classifications": "classifications",
    "Detections": "detections",
    "Polylines": "polylines",
    "Keypoints": "keypoints",
}
"""The fields of a sample that have words, by their class, and where the list of them is."""


class _Samples(msgspec.Struct):
    samples: list[dict[str, Any]]


class _Labels(msgspec.Struct):
    labels: dict[str, Any]
    classes: list[str] | None = None


def read_fiftyone(source: Path, photos: Path | None) -> Labels:
    """Read the folder of an export.

    Of a FiftyOneDataset, every field of labels counts but predictions (`predictions`), and the
    tags "train", "val" and "test" of a sample are its part.

    Raises:
        DataError: there is no such file in it, or it has another form.
    """
    if (source / SAMPLES).is_file():
        return _of_samples(source / SAMPLES, photos or source)
    return _of_labels(source / LABELS, photos or source / "data")


def _of_samples(file: Path, folder: Path) -> Labels:
    content = _read(file, _Samples)
    labelled: list[Labelled] = []
    problems: list[str] = []
    for number, sample in enumerate(content.samples):
        where = f"{file.name}: samples[{number}]"
        try:
            labels = [one for key, field in sample.items() if key != "predictions" for one in _labels_in(field)]
            words = checked_words([one["label"] for one in labels if one.get("label") is not None], where)
            tags = sample.get("tags")
            found = [PARTS[tag] for tag in tags if tag in PARTS] if isinstance(tags, list) else []
            photo = photo_below(folder, str(sample.get("filepath", "")), where)
            labelled.append(Labelled(photo, words, where, found[0] if found else None))
        except DataError as error:
            problems.append(str(error))
    return Labels(tuple(labelled), None, tuple(problems))


def _labels_in(field: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(field, dict) or field.get("_cls") not in KINDS:
        return
    inner = KINDS[field["_cls"]]
    listed = [field] if inner is None else field.get(inner)
    yield from (one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict))


def _of_labels(file: Path, folder: Path) -> Labels:
    content = _read(file, _Labels)
    by_stem = {photo.stem: photo for photo in photos_of([folder])}
    labelled: list[Labelled] = []
    problems: list[str] = []
    for name, value in content.labels.items():
        where = f"{file.name}: labels[{name[:60]!r}]"
        try:
            words = checked_words(_words(value, content.classes, where), where)
            photo = by_stem.get(name) or photo_below(folder, name, where)
            labelled.append(Labelled(photo, words, where))
        except DataError as error:
            problems.append(str(error))
    known = None if content.classes is None else checked_words(content.classes, f"{file.name}: classes")
    return Labels(tuple(labelled), known, tuple(problems))


def _words(value: object, classes: Sequence[str] | None, where: str) -> Iterator[object]:
    """The words of a label: a word, the number of a class, a detection, or a list of these."""
    if isinstance(value, list):
        for one in value:
            yield from _words(one, classes, where)
    elif isinstance(value, dict):
        yield from _words(value.get("label"), classes, where)
    elif isinstance(value, int) and not isinstance(value, bool):
        if classes is None or not 0 <= value < len(classes):
            raise DataError(f"{where}: class {value} is none of the {len(classes or ())} classes. Fix the entry")
        yield classes[value]
    elif value is not None:  # a photo without a label
        yield value


def _read(file: Path, kind: type[Kind]) -> Kind:
    try:
        return from_json(kind, read_whole(file))
    except SchemaError as error:
        raise DataError(f"{escape_path(file)}: not an export of FiftyOne: {error}") from error

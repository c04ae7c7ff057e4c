"""Training reports, and the worst errors of a model on a data set, for the page."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectortag.core.errors import DataError
from vectortag.core.files import open_text, read_text
from vectortag.core.folders import report_folder
from vectortag.core.types import UNKNOWN
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.shards.reading import refuse_shards
from vectortag.data.vocabulary import build_targets, judgeable
from vectortag.evaluation.evaluate import as_known, choose_part, embed_records, known_in
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder

PICTURE = re.compile(r"^!\[(?P<text>[^\]]*)\]\((?P<file>[\w.-]+)\)$", re.MULTILINE)

MAX_ERRORS_PER_TAG = 3
"""So that one bad tag does not hide the others among the worst errors."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A tag of a photo on which model and label disagree; `has` is the label."""

    photo: Path
    tag: str
    has: bool
    score: float
    threshold: float


@dataclass(frozen=True, slots=True)
class ReportPicture:
    """A picture of a report; `text` says what it shows."""

    file: Path
    text: str


def find_reports(folders: Iterable[ModelFolder]) -> dict[str, Path]:
    """The reports that `vectortag train` or `vectortag fit` wrote, by the model's id."""
    found: dict[str, Path] = {}
    for folder in folders:
        name = folder.path.name
        for report in (folder.path.with_name(f"{name}.run") / "report", report_folder(name)):
            if (report / "README.md").is_file():
                found.setdefault(folder.id, report)
    return found


def parts_of(report: Path) -> Iterator[str | ReportPicture]:
    """The text of a report, cut where a picture stands; the picture comes between the pieces.

    Raises:
        DataError: the report cannot be read.
    """
    try:
        text = read_text(report / "README.md")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{report / 'README.md'}: cannot be read: {error}") from error
    at = 0
    for picture in PICTURE.finditer(text):
        yield text[at : picture.start()]
        if (file := report / picture["file"]).is_file():
            yield ReportPicture(file, picture["text"])
        at = picture.end()
    yield text[at:]


def read_per_tag(report: Path) -> list[dict[str, str | float | None]]:
    """The rows of a report's per_tag.csv, numbers as floats; empty if there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    file = report / "per_tag.csv"
    if not file.is_file():
        return []
    try:
        with open_text(file, newline="") as rows:
            return [{key: _number(value) for key, value in row.items()} for row in csv.DictReader(rows)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error


def _number(text: str) -> str | float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def worst_mistakes(folder: ModelFolder, data: Path) -> tuple[list[Mistake], str]:
    """The worst errors of a model on a data set, and a description of the photos that were searched.

    Searched are the model's validation photos, or all photos if it has none in this set. An error is as bad as the
    score is far on the wrong side of the threshold, as a share of the largest possible distance.

    Raises:
        DataError: the data set cannot be read.
    """
    refuse_shards(data, "the list of errors")
    tagger = Tagger.load(folder, additions=False)
    records = as_known(read_tagged_photos(data, skip_bad_rows=True), "val", folder.manifest)
    try:
        part, what = choose_part(records, "val", folder.manifest), "validation photos"
    except DataError:
        part, what = list(records.records), "photos"
    embeddings, readable, _ = embed_records(tagger, part)
    targets = build_targets(readable, tagger.tags, folder.manifest.taxonomy, known_in(records, folder.manifest))
    targets, scores = judgeable(targets), tagger.scores(embeddings)
    has, limits = targets == 1, tagger.thresholds
    gap = np.where(has, (limits - scores) / limits, (scores - limits) / np.maximum(1 - limits, 1e-6))
    gap[(targets == UNKNOWN) | ~(gap > 0)] = -1.0  # right, unknown, or a tag without a threshold
    mistakes, of_tag = [], dict.fromkeys(tagger.tags, 0)
    for flat in np.argsort(-gap, axis=None, kind="stable"):
        row, column = np.unravel_index(flat, gap.shape)
        if gap[row, column] <= 0:
            break
        tag = tagger.tags[column]
        of_tag[tag] += 1
        if of_tag[tag] <= MAX_ERRORS_PER_TAG:
            label = bool(has[row, column])
            mistakes.append(Mistake(readable[row].path, tag, label, float(scores[row, column]), float(limits[column])))
    return mistakes, f"{len(readable)} {what}"

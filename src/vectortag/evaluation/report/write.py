"""The report of a model: curves, tables and examples for a person to look at."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vectortag.core.errors import TrainingError
from vectortag.core.files import open_regular
from vectortag.core.numerics import sigmoid
from vectortag.core.text import CsvLines
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray
from vectortag.core.writing import ORDINARY, remove_stale, replace_file
from vectortag.data.outputs import PICTURE, FileKind, InputFiles, check_output
from vectortag.data.training import Part
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.evaluate import Report, TagReport
from vectortag.evaluation.metrics import (
    average_precision,
    best_and_worst,
    calibration_error,
    count,
    rank_tags,
    reliability,
)
from vectortag.evaluation.report.curves import (
    PrecisionRecall,
    co_occurrence,
    most_frequent,
    precision_recall,
)
from vectortag.evaluation.report.text import readme
from vectortag.inference.heatmap_drawing import draw_heatmap, to_png
from vectortag.inference.image_grid import Cell, draw_sheet, fit, score_note
from vectortag.inference.tagger import Tagger
from vectortag.model.history import Learning
from vectortag.runtime.pixels import open_image

try:
    from vectortag.evaluation.report import plots
except ModuleNotFoundError:  # matplotlib comes with the extra "plots"
    plots = None  # type: ignore[assignment]

FILES = (
    "README.md",
    "heatmaps.png",
    "per_tag.csv",
    "learning_curve.png",
    "precision_recall.png",
    "reliability.png",
    "co_occurrence.png",
)
TEXT = FileKind("a VectorTag report", lambda start: re.match(rb"# How .+ was trained", start) is not None)
TABLE = FileKind("a VectorTag table", lambda start: start.startswith(b"data,tag,"))

TAGS_IN_MATRIX = 30

TAGS_IN_CURVES, TAGS_IN_EXAMPLES = 3, 10
"""How many of the best, and of the worst."""

EXAMPLE_SIDE = 300
"""Pixels."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The validation photos as the finished model sees them.

    Attributes:
        part: N records and their targets (N, T).
        embeddings: (N, K).
    """

    tagger: Tagger
    part: Part
    embeddings: FloatArray


@dataclass(frozen=True, slots=True)
class _Judged:
    """What all parts of the report look at.

    Attributes:
        raw, scores: (N, T) before and after calibration.
        targets: (N, T) uint8; 255 also where the photo's set never knows a tag's absence, so that it cannot be judged.
        positives: (T,) how many photos have the tag.
        precisions: (T,) average precision; NaN for a tag that has none.
        ranked: the indexes of the tags by average precision, best first.
    """

    tagger: Tagger
    part: Part
    raw: FloatArray
    scores: FloatArray
    targets: ByteArray
    positives: npt.NDArray[np.intp]
    precisions: Doubles
    ranked: list[int]


def write_report(
    folder: Path,
    learning: Learning | None,
    validation: Validation,
    reports: Sequence[Report],
    *,
    overwrite: bool = False,
) -> None:
    """Write README.md and what it shows into a folder; an existing file is replaced when the new one is complete.

    Where matplotlib is not installed, the figures that it draws are left out.

    Args:
        learning: the figures of the training; None if they are not known.
        reports: the figures on each data set.
        overwrite: replace files that are no older report's. Never a photo.

    Raises:
        OverwriteError, OutputError: a file is in the way.
        TrainingError: the folder cannot be written.
        PhotoError: a validation photo is no longer there.
    """
    check_report_folder(folder, overwrite=overwrite)
    judged = _judge(validation)
    files = {"heatmaps.png": _heatmaps(judged), "per_tag.csv": per_tag(reports).encode()}
    if plots is not None:
        if learning is not None:
            files["learning_curve.png"] = plots.to_png(plots.learning_curve(learning))
        files["precision_recall.png"] = _precision_recall(judged)
        files["reliability.png"] = _reliability(judged)
        files["co_occurrence.png"] = _co_occurrence(judged)
    figures = {"photos": judged.positives.tolist(), "average_precision": judged.precisions.tolist()}
    files["README.md"] = readme(judged.tagger.folder, learning, reports, figures, files).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder.parent)  # of a report whose removal was interrupted
        for name, content in files.items():
            replace_file(folder / name, content, mode=ORDINARY)
    except OSError as error:
        raise TrainingError(f"{folder}: the report cannot be written: {error.strerror or error}") from error


def _judge(validation: Validation) -> _Judged:
    tagger, part = validation.tagger, validation.part
    targets = judgeable(part.targets, part.sets)
    scores = tagger.scores(validation.embeddings)
    raw = sigmoid(tagger.folder.head.logits(validation.embeddings)).astype(np.float32)
    precisions = average_precision(scores, targets)
    positives = (targets == 1).sum(axis=0)
    ranked = rank_tags(precisions, positives)
    return _Judged(tagger, part, raw, scores, targets, positives, precisions, ranked)


def per_tag(reports: Sequence[Report]) -> str:
    """Every figure of every tag as CSV, a row for each tag of each data set; a figure that does not exist is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(CsvLines(text), ["data", *(field.name for field in fields(TagReport))])
    writer.writeheader()
    for report in reports:
        writer.writerows({"data": report.data, **asdict(tag)} for tag in report.tags)
    return text.getvalue()


def typical_photo(scores: FloatArray, targets: ByteArray) -> int:
    """The row with the middle score among those that have a tag, of two the lower one: (N,), (N,) of that tag."""
    positives = np.flatnonzero(targets == 1)
    return int(positives[np.argsort(scores[positives], kind="stable")[(len(positives) - 1) // 2]])


def _precision_recall(judged: _Judged) -> bytes:
    scores, targets = judged.scores, judged.targets
    decided = count(judged.tagger.shown(scores), targets)
    hits, predicted, positives = (float(of.sum()) for of in (decided.hits, decided.predicted, decided.positives))
    best, worst = (
        [_curve(judged, index) for index in indexes] for indexes in best_and_worst(judged.ranked, TAGS_IN_CURVES)
    )
    operating = hits / max(positives, 1.0), hits / max(predicted, 1.0)
    together = precision_recall(scores, targets)
    return plots.to_png(plots.precision_recall_curves(together, best, worst, operating=operating))


def _curve(judged: _Judged, index: int) -> tuple[str, PrecisionRecall]:
    curve = precision_recall(judged.scores[:, [index]], judged.targets[:, [index]])
    return f"{plots.label(judged.tagger.tags[index])} {judged.precisions[index]:.2f}", curve


def _reliability(judged: _Judged) -> bytes:
    before, after = (reliability(scores, judged.targets) for scores in (judged.raw, judged.scores))
    errors = calibration_error(judged.raw, judged.targets), calibration_error(judged.scores, judged.targets)
    return plots.to_png(plots.reliability_diagram(before, after, errors))


def _co_occurrence(judged: _Judged) -> bytes:
    """Each tag by the sets that know its absence: by others, which know only its presence, it would always be there."""
    manifest = judged.tagger.folder.manifest
    targets = judged.targets.copy()
    for name in np.unique(judged.part.sets):
        rows, info = np.flatnonzero(judged.part.sets == name), manifest.data_set(name)
        unsure = np.array([info is not None and tag not in info.known for tag in manifest.tags])
        targets[np.ix_(rows, unsure)] = UNKNOWN
    frequent = most_frequent(targets, TAGS_IN_MATRIX)
    names = [manifest.tags[index] for index in frequent]
    return plots.to_png(plots.co_occurrence_matrix(names, co_occurrence(targets, frequent)))


def _heatmaps(judged: _Judged) -> bytes:
    """Two tags a row, from the best to the worst: a typical photo of each, and the heat map over it."""
    best, worst = best_and_worst(judged.ranked, TAGS_IN_EXAMPLES)
    pairs = [_example(judged, index) for index in (*best, *worst)]
    rows = [[cell for pair in pairs[first : first + 2] for cell in pair] for first in range(0, len(pairs), 2)]
    if not rows:
        rows = [[Cell(Image.new("RGB", (EXAMPLE_SIDE, 1), "white"), "no tag can be judged")]]
    return to_png(draw_sheet(rows))


def _example(judged: _Judged, index: int) -> tuple[Cell, Cell]:
    tagger = judged.tagger
    found = judged.part.records[typical_photo(judged.scores[:, index], judged.targets[:, index])].photo
    heatmap = tagger.explain(found, tagger.tags[index])
    photo = fit(open_image(found, max_pixels=tagger.embedder.recipe.max_pixels), EXAMPLE_SIDE)
    precision = f"AP {100 * judged.precisions[index]:.1f}, {judged.positives[index]} photos"
    return Cell(photo, heatmap.tag, precision), Cell(draw_heatmap(photo, heatmap), note=score_note(heatmap))


def check_report_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Refuse a folder in which a file of the report would replace one of another kind; an older report is replaced.

    Raises:
        OverwriteError, OutputError: as `check_output`.
    """
    if _holds_a_report(folder):
        return
    for name in FILES:
        kind = TABLE if name.endswith(".csv") else TEXT if name.endswith(".md") else PICTURE
        check_output(folder / name, kind, inputs=InputFiles(), overwrite=overwrite)


def _holds_a_report(folder: Path) -> bool:
    try:
        with open_regular(folder / "README.md") as file:
            return TEXT.fits(file.readline(200))
    except OSError:
        return False

"""The report of a finished model again, from its validation photos."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vectortag.core.folders import report_folder
from vectortag.data.records import Record
from vectortag.data.training import Part
from vectortag.data.usable import read_usable
from vectortag.data.vocabulary import build_targets
from vectortag.evaluation.evaluate import as_known, choose_part, embed_records, known_in, make_report
from vectortag.evaluation.report.write import Validation, check_report_folder, write_report
from vectortag.inference.tagger import Tagger
from vectortag.model.history import learning_of
from vectortag.model.registry import find_model_folder

log = logging.getLogger(__name__)


def report_on(
    model: str | Path, data: Sequence[str | Path], *, output: Path | None = None, overwrite: bool = False
) -> Path:
    """Write the report of a finished model, and return its folder.

    Args:
        model: a model's name or folder.
        data: the sets it was trained on, each called as it was then; their validation photos judge and are shown.
        output: the folder of the report; None is that of the model's name in the user's data folder.
        overwrite: as in `write_report`.

    Raises:
        DataError: a set cannot be read, or has no validation photos of the model.
        TrainingError: the report cannot be written.
        UnknownModelError, ModelFolderError: as `Tagger.load`.
    """
    found = find_model_folder(model)
    folder = report_folder(found.manifest.name) if output is None else output
    check_report_folder(folder, overwrite=overwrite)
    tagger = Tagger.load(found, additions=False, precision="exact")
    manifest = tagger.folder.manifest
    records: list[Record] = []
    embeddings, targets, reports = [], [], []
    for path in data:
        one = as_known(read_usable(path, skip_bad_rows=True), "val", manifest)
        seen, readable, failed = embed_records(tagger, choose_part(one, "val", manifest))
        for failure in failed:
            log.warning("left out: %s", failure)
        truth = build_targets(readable, tagger.tags, manifest.taxonomy, known_in(one, manifest))
        reports.append(make_report(tagger, tagger.scores(seen), truth, data=one.name, split="val", failed=failed))
        records += readable
        embeddings.append(seen)
        targets.append(truth)
    part = Part(tuple(records), np.concatenate(targets))
    validation = Validation(tagger, part, np.concatenate(embeddings))
    write_report(folder, learning_of(manifest.provenance), validation, reports, overwrite=overwrite)
    return folder

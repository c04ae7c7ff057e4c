"""How good a fit is, over folds: each photo is judged by a head that has not learnt it, of the same tags."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vectortag.assembly.folds import Folds, folds_of, out_of_fold_scores
from vectortag.assembly.label_errors import Doubt, doubted_labels
from vectortag.core.file_names import escape_path
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray
from vectortag.data.records import Record
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.metrics import average_precision, count, mean_over_tags
from vectortag.model.calibration import fit_thresholds


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Out-of-fold scores, and what they are worth.

    Attributes:
        tags: T tags.
        records: N photos, of training and validation.
        folds: (N,), the fold of each photo.
        scores: (N, T) float32 in [0, 1], calibrated, by heads that have not learnt the photo.
        targets: (N, T) uint8; 255 is unknown.
        maps, micro_f1s: (K,) of each fold, in [0, 1]; F1 at thresholds that the other folds chose.
        doubts: the labels that look wrong, the most doubtful first.
    """

    tags: tuple[str, ...]
    records: tuple[Record, ...]
    folds: Folds
    scores: FloatArray
    targets: ByteArray
    maps: Doubles
    micro_f1s: Doubles
    doubts: tuple[Doubt, ...]

    @property
    def labels(self) -> int:
        """How many labels were judged."""
        return int((self.targets != UNKNOWN).sum())

    def summary(self) -> dict[str, Any]:
        """Mean and standard deviation over the folds, and how many labels are doubted."""
        return {
            "folds": len(self.maps),
            "map": _spread(self.maps),
            "micro_f1": _spread(self.micro_f1s),
            "labels": self.labels,
            "doubted": len(self.doubts),
        }

    def to_npz(self) -> bytes:
        """As a file of numpy: `photos`, `tags`, `folds`, `scores`, `labels` (255 is unknown)."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            photos=np.array([escape_path(record.path) for record in self.records]),
            tags=np.array(self.tags),
            folds=self.folds,
            scores=self.scores,
            labels=self.targets,
        )
        return file.getvalue()


def cross_validate(
    embeddings: FloatArray,
    targets: ByteArray,
    tags: tuple[str, ...],
    records: tuple[Record, ...],
    *,
    folds: int,
    epochs: int,
    groups: Sequence[Sequence[int]] = (),
    seed: int = 1,
) -> CrossValidation:
    """Fit a head for each fold, on the photos of the others.

    Args:
        embeddings: (N, K) float32.
        targets: (N, T) uint8, 255 = unknown.
        folds: how many.
        epochs: of each head: no fold chooses one by the photos that judge it.
        groups: the rows of photos that show one picture; each group goes to one fold.

    Raises:
        ConfigError: there are fewer photos than folds, or fewer than two folds.
    """
    chosen = folds_of(len(records), folds=folds, groups=groups, seed=seed)
    targets = judgeable(targets)
    scores = out_of_fold_scores(embeddings, targets, chosen, epochs=epochs, seed=seed)
    maps, micro_f1s = [], []
    for fold in np.unique(chosen):
        judged = chosen == fold
        thresholds = fit_thresholds(scores[~judged], targets[~judged])
        maps.append(mean_over_tags(average_precision(scores[judged], targets[judged])))
        micro_f1s.append(count(scores[judged] >= thresholds, targets[judged]).micro_f1)
    doubts = tuple(doubted_labels(scores, targets))
    return CrossValidation(tags, records, chosen, scores, targets, np.array(maps), np.array(micro_f1s), doubts)


def _spread(values: Doubles) -> dict[str, float | None]:
    """Mean and standard deviation of the folds that have a value; None where there are too few."""
    known = values[np.isfinite(values)]
    return {
        "mean": round(float(known.mean()), 4) if len(known) else None,
        "deviation": round(float(known.std(ddof=1)), 4) if len(known) > 1 else None,
    }

"""Labels that look wrong, each judged by a head that has not learnt it.

photos -> folds; photos that show one picture share one     folds_of
embeddings and labels of the other folds -> scores          out_of_fold_scores
scores and labels -> which labels to doubt                  doubted_labels
all of it, for a data set, or for one tag                   find_label_errors, doubted_photos

A head that has learnt a wrong label repeats it, so a model finds few errors in what it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.assembly.fit import FIT_OPTIONS, embed_data_set
from vectortag.assembly.mlp import fit_mlp
from vectortag.core.errors import ConfigError
from vectortag.core.numerics import check_shapes, logit
from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.data.copies import Prints, fingerprints_of, groups_among
from vectortag.data.records import DataSet, Record
from vectortag.data.vocabulary import build_targets, choose_vocabulary, judgeable, known_tags
from vectortag.inference.active_learning import Suggestion, contradicted
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Calibration, fit_calibration
from vectortag.model.taxonomy import Taxonomy

FOLDS = 5
EPOCHS = 25
"""Of the head of each fold. It is calibrated afterwards, so an epoch that is best for thresholds is not looked for."""

Folds = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that looks wrong.

    Attributes:
        row: the photo.
        tag: the index of the tag.
        has: whether the label says that the photo has the tag.
        score: of the tag, in [0, 1], by a head that has not learnt this photo.
    """

    row: int
    tag: int
    has: bool
    score: float


def folds_of(photos: int, *, folds: int = FOLDS, groups: Sequence[Sequence[int]] = (), seed: int = 1) -> Folds:
    """(N,): the fold of each photo, drawn by the seed, of nearly equal size.

    Args:
        groups: the rows of photos that show one picture; each group goes to one fold.

    Raises:
        ConfigError: there are fewer photos than folds, or fewer than two folds.
    """
    if not 2 <= folds <= photos:
        raise ConfigError(f"folds: expected 2 to {photos}, the number of photos, got {folds}")
    chosen = np.random.default_rng(seed).permutation(np.arange(photos) % folds)
    for first, *others in groups:
        chosen[others] = chosen[first]
    return chosen


def out_of_fold_scores(embeddings: FloatArray, targets: ByteArray, folds: Folds, *, seed: int = 1) -> FloatArray:
    """Calibrated scores of each photo by a head that has learnt the photos of the other folds alone.

    Args:
        embeddings: (N, K) float32.
        targets: (N, T) uint8, 255 = unknown.
        folds: (N,), the fold of each photo.

    Returns:
        (N, T) float32 in [0, 1].
    """
    options = replace(FIT_OPTIONS, epochs=EPOCHS, seed=seed)
    logits = np.empty(targets.shape, np.float32)
    for fold in np.unique(folds):
        judged = folds == fold
        logits[judged] = fit_mlp(embeddings[~judged], targets[~judged], options).logits(embeddings[judged])
    slope, bias = fit_calibration(logits, judgeable(targets))
    return Calibration(slope, bias, {}).scores(logits)


def doubted_labels(scores: FloatArray, targets: ByteArray) -> list[Doubt]:
    """The labels that look wrong, the most doubtful first: confident learning for each tag by itself.

    Which labels: see `vectortag.inference.active_learning.contradicted`. They are ordered by the odds that they are
    wrong, if a tag was forgotten as often as it was given wrongly. So a low score is less suspicious where the tag is
    rare.

    Args:
        scores: (N, T) in [0, 1], of heads that have not learnt the photos.
        targets: (N, T) uint8; 255 is no label, and is not doubted.
    """
    check_shapes(scores, targets)
    doubts: list[tuple[float, Doubt]] = []
    for tag in range(targets.shape[1]):
        rows = np.flatnonzero(targets[:, tag] != UNKNOWN)
        has, values = targets[rows, tag] == 1, scores[rows, tag].astype(np.float64)
        doubted = np.flatnonzero(contradicted(values, has))
        if not len(doubted):
            continue
        odds = np.where(has, logit(has.mean()) - logit(values), logit(values))
        doubts += [
            (float(odds[one]), Doubt(int(rows[one]), tag, bool(has[one]), float(values[one]))) for one in doubted
        ]
    return [doubt for _, doubt in sorted(doubts, key=lambda pair: -pair[0])]


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """What is doubted of a data set.

    Attributes:
        tags: the tags that were judged.
        records: the photos that could be read.
        labels: how many labels were judged.
        doubts: the most doubtful first; their rows and tags count in `records` and `tags`.
    """

    tags: tuple[str, ...]
    records: tuple[Record, ...]
    labels: int
    doubts: tuple[Doubt, ...]


def find_label_errors(
    data: DataSet, tagger: Tagger, taxonomy: Taxonomy, *, folds: int = FOLDS, seed: int = 1
) -> LabelErrors:
    """Judge all labels of a data set, by heads on a model's embeddings; its own head says nothing.

    Args:
        folds: parts of the photos; a tag needs as many photos to be judged.

    Raises:
        DataError: no photo can be read, or no tag has enough photos.
        ConfigError: there are fewer photos than folds, or fewer than two folds.
    """
    data, embeddings = embed_data_set(tagger.embedder, tagger.folder, data, skip_bad_rows=True)
    tags = choose_vocabulary(data.records, taxonomy, min_photos=folds)
    known = known_tags(data.records, tags, taxonomy, data.name, stated=data.known)
    targets = judgeable(build_targets(data.records, tags, taxonomy, known))
    photos = [record.path for record in data.records]
    groups = groups_among(photos, fingerprints_of(data)[0])
    chosen = folds_of(len(photos), folds=folds, groups=groups, seed=seed)
    scores = out_of_fold_scores(np.stack([embeddings[photo] for photo in photos]), targets, chosen, seed=seed)
    doubts = doubted_labels(scores, targets)
    return LabelErrors(tags, data.records, int((targets != UNKNOWN).sum()), tuple(doubts))


def doubted_photos(
    embeddings: Mapping[Path, FloatArray], labels: Mapping[Path, bool], prints: Prints, *, folds: int = FOLDS
) -> list[Suggestion]:
    """The labels of one tag that look wrong, the most doubtful first.

    Args:
        embeddings: (K,) of each photo that has a label.
        prints: fingerprints; photos that show one picture do not judge each other.
    """
    photos = list(embeddings)
    targets = np.array([[labels[photo]] for photo in photos], np.uint8)  # (N, 1)
    if targets.all() or not targets.any():
        return []
    chosen = folds_of(len(photos), folds=min(folds, len(photos)), groups=groups_among(photos, prints))
    scores = out_of_fold_scores(np.stack(list(embeddings.values())), targets, chosen)
    return [Suggestion(photos[one.row], one.score, one.has) for one in doubted_labels(scores, targets)]

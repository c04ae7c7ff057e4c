"""Labels that look wrong, each judged by a head that has not learnt it.

photos -> folds; photos that show one picture share one     folds_of
embeddings and labels of the other folds -> scores          out_of_fold_scores
scores and labels -> which labels to doubt                  doubted_labels
all of it, for a data set, or for one tag                   find_label_errors, doubted_photos

A head that has learnt a wrong label repeats it, so a model finds few errors in what it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.assembly.folds import FOLDS, folds_of, out_of_fold_scores
from vectortag.core.numerics import check_shapes, logit
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray
from vectortag.data.copies import Prints, fingerprints_of, groups_among
from vectortag.data.records import DataSet, Record
from vectortag.data.usable import embed_data_set
from vectortag.data.vocabulary import build_targets, choose_vocabulary, judgeable, known_tags
from vectortag.inference.active_learning import Suggestion
from vectortag.inference.tagger import Tagger
from vectortag.model.taxonomy import Taxonomy


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


def doubted_labels(scores: FloatArray, targets: ByteArray) -> list[Doubt]:
    """The labels that look wrong, the most doubtful first.

    There are as many as `wrong_count` estimates for all tags together. Which they are, `suspicion` says: a tag may get
    more of them than its own count, or fewer.

    Args:
        scores: (N, T) in [0, 1], calibrated, of heads that have not learnt the photos.
        targets: (N, T) uint8; 255 is no label, and is not doubted. Nor is a label that all photos with one share.
    """
    check_shapes(scores, targets)
    odds, expected = suspicion(scores, targets), 0.0
    for tag in range(targets.shape[1]):
        rows = np.flatnonzero(targets[:, tag] != UNKNOWN)
        has = targets[rows, tag] == 1
        if has.all() or not has.any():
            odds[:, tag] = np.nan
        else:
            expected += wrong_count(scores[rows, tag].astype(np.float64), has)
    ranked = np.argsort(-odds, axis=None, kind="stable")[: round(expected)]  # NaN comes last
    rows, tags = np.unravel_index(ranked, targets.shape)
    return [
        Doubt(row, tag, bool(targets[row, tag] == 1), float(scores[row, tag]))
        for row, tag in zip(rows.tolist(), tags.tolist(), strict=True)
    ]


def wrong_count(scores: Doubles, has: npt.NDArray[np.bool_]) -> float:
    """How many labels of one tag are wrong, by the confident joint (Northcutt et al. 2021, 10.1613/jair.1.12125).

    A label is confidently right or wrong if its photo's score is as clear as the average one of the photos with that
    label, or with the other. The share of wrong ones among these is taken for that of all labels of a kind. No more are
    wrong than the scores contradict.

    Args:
        scores: (N,) in [0, 1].
        has: (N,), whether the label says that the photo has the tag; some do, some do not.
    """
    count = 0.0
    present, absent = scores >= scores[has].mean(), 1 - scores >= (1 - scores[~has]).mean()
    likely = scores > 0.5
    for kind, right, wrong, contradicted in (
        (has, present & (likely | ~absent), absent & (~likely | ~present), ~likely),
        (~has, absent & (~likely | ~present), present & (likely | ~absent), likely),
    ):
        confident = (kind & right).sum(), (kind & wrong).sum()
        share = confident[1] / max(sum(confident), 1)
        count += min(share * kind.sum(), (kind & contradicted).sum())
    return count


def suspicion(scores: FloatArray, targets: ByteArray) -> Doubles:
    """How likely each label is wrong, as log odds up to a constant; NaN where there is no label.

    A tag is taken to be forgotten as often as it is given wrongly. So a low score is less suspicious where it is rare.

    Args:
        scores: (N, T) in [0, 1].
        targets: (N, T) uint8; 255 is no label.

    Returns:
        (N, T)
    """
    known = targets != UNKNOWN
    share = (targets == 1).sum(axis=0) / np.maximum(known.sum(axis=0), 1)  # (T,)
    values = logit(scores.astype(np.float64))
    return np.where(known, np.where(targets == 1, logit(share) - values, values), np.nan)


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
    tags = choose_vocabulary(data.records, taxonomy, min_photos=folds, limit="the number of folds")
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

"""Suggests photos to label: unlabelled photos that would help a tag most, and labels that look wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import logit
from vectortag.core.types import FloatArray
from vectortag.inference.tagger import Tagger
from vectortag.model.added_block import new_tag_features

CANDIDATES = 5
"""Uncertain photos per suggested photo. Among them, photos that differ from each other are chosen."""

EQUAL = 1 - 1e-5
"""Features of two photos are equal from this cosine on: those of a copy differ by rounding."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A photo, and the score of the tag on it.

    Attributes:
        has: whether its label says that it has the tag; None if it has no label.
    """

    photo: Path
    score: float
    has: bool | None


def most_useful(tagger: Tagger, tag: str, embeddings: Mapping[Path, FloatArray], *, count: int) -> list[Suggestion]:
    """The unlabelled photos that would help a tag most: near its threshold, and different from each other.

    The candidates are the most uncertain photos. Of them, the photo farthest from those already chosen is chosen next
    ("k-center greedy", Sener and Savarese 2018, arXiv:1708.00489).

    Args:
        embeddings: (K,) of each photo.
        count: the number of photos, at most.
    """
    if not embeddings:
        return []
    photos, every = list(embeddings), np.stack(list(embeddings.values()))
    scores = tagger.scores(every)[:, tagger.place(tag)]
    threshold = float(tagger.thresholds[tagger.place(tag)])
    doubt = np.abs(logit(scores) - logit(0.5 if np.isnan(threshold) else threshold))
    nearest = np.argsort(doubt, kind="stable")[: CANDIDATES * count]
    features = new_tag_features(tagger.folder.head, every[nearest])
    chosen = nearest[_spread_out(features, count)]
    return [Suggestion(photos[row], float(scores[row]), None) for row in chosen]


def likely_mistakes(
    tagger: Tagger, tag: str, embeddings: Mapping[Path, FloatArray], labels: Mapping[Path, bool], *, count: int
) -> list[Suggestion]:
    """Labels that look wrong to a model that was not trained on them, the most suspicious first; see `contradicted`.

    A model that was trained on them finds too few; see `vectortag.assembly.label_errors`.

    Args:
        labels: whether each photo has the tag; photos without a label are not in it.
        count: the number of photos, at most.
    """
    photos = [photo for photo in embeddings if photo in labels]
    has = np.array([labels[photo] for photo in photos], bool)
    if has.all() or not has.any():
        return []
    scores = tagger.scores(np.stack([embeddings[photo] for photo in photos]))[:, tagger.place(tag)].astype(np.float64)
    against = np.where(has, 1 - scores, scores)
    rows = np.flatnonzero(contradicted(scores, has))
    ranked = rows[np.argsort(-against[rows], kind="stable")][:count]
    return [Suggestion(photos[row], float(scores[row]), bool(has[row])) for row in ranked]


def contradicted(scores: npt.NDArray[np.floating], has: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which labels of one tag look wrong ("confident learning", Northcutt et al. 2021, 10.1613/jair.1.12125).

    A label looks wrong if the score contradicts it at least as clearly as the average score of the photos with the
    opposite label, and more than it supports it. If all photos have one label, none looks wrong.

    Args:
        scores: (N,) in [0, 1].
        has: (N,), whether the label says that the photo has the tag.

    Returns:
        (N,) bool.
    """
    if has.all() or not has.any():
        return np.zeros(len(has), bool)
    present, absent = scores[has].mean(), (1 - scores[~has]).mean()
    against, usual = np.where(has, 1 - scores, scores), np.where(has, absent, present)
    wrong: npt.NDArray[np.bool_] = (against >= usual) & (against > 0.5)
    return wrong


def _spread_out(features: FloatArray, count: int) -> Sequence[int]:
    """At most `count` rows, beginning with the first. Each next row differs most from those before it.

    A row that equals one of those is not taken: the answer about a copy is known.
    """
    chosen = [0]
    nearness = features @ features[0]
    alike = nearness[0]  # all rows have one length
    while len(chosen) < min(count, len(features)):
        if np.min(nearness) > EQUAL * alike:
            break
        chosen.append(int(np.argmin(nearness)))
        nearness = np.maximum(nearness, features @ features[chosen[-1]])
    return chosen

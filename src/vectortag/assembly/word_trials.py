"""The names of tags as words, tried on photos whose tags are known; and the line of a search, on words and captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.assembly.judged_photos import BATCH, JudgedPhotos
from vectortag.assembly.trust_curves import Trial, logistic
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.words.line import Line, line_signs
from vectortag.model.words.signs import class_nearness, signs_of_word
from vectortag.model.words.similarity import Views, WordEmbedding, Words, values

FEWEST_POSITIVES, FEWEST_NEGATIVES = 15, 2000

ALIKE = 0.1
"""A photo shows what a sentence says if its captions are as near as nine of ten captions of one photo are."""

ASKED = 3
"""The first photos of every search count in the fit of the line."""

RIGHT = 0.8
"""Of the photos above the line, so many show what was asked for."""

LEAST_FOUND = 0.5
"""A line above which fewer of the right photos stand is worse than none: it calls most good searches into doubt."""

LINE_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Captions:
    """One collection to search: the directions of n photos, and the texts of m captions of each, (n, D), (n, m, D)."""

    directions: FloatArray
    texts: FloatArray


def views_of(words: Words, embeddings: FloatArray) -> Views:
    """As `Words.views`, of many photos."""
    parts = [words.views(embeddings[start : start + BATCH]) for start in range(0, len(embeddings), BATCH)]
    return Views(
        np.concatenate([one.probabilities for one in parts]), np.concatenate([one.directions for one in parts])
    )


def try_words(
    words: Words,
    photos: JudgedPhotos,
    texts: Mapping[int, FloatArray],
    embedded: Mapping[int, WordEmbedding],
    views: Views,
    bank: Views,
) -> list[Trial]:
    """Try the names of tags on the photos that are known to have them or not.

    Args:
        texts, embedded: by the index of a tag.
        views: of all photos.
        bank: of the photos that signs are read from.
    """
    tried = []
    for tag, word in embedded.items():
        labels = photos.judged(tag)
        has, has_not = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
        if len(has) < FEWEST_POSITIVES or len(has_not) < FEWEST_NEGATIVES:
            continue
        said = (values(word, Views(views.probabilities[rows], views.directions[rows])) for rows in (has, has_not))
        text = texts[tag]
        nearness = words.nearest(text, 1)[0][1]
        signs = signs_of_word(word, bank, nearness=nearness, class_nearness=class_nearness(words, text))
        tried.append(Trial(photos.tags[tag], signs, *said))
    return tried


def fit_line(
    words: Words,
    photos: JudgedPhotos,
    texts: Mapping[int, FloatArray],
    views: Views,
    bank: Views,
    captioned: Sequence[Captions],
) -> Line | None:
    """Fit the line on the first photos of searches: names of tags, and held-out captions; None where none is of use.

    A name is searched in every set, also where no photo shows it; a caption also where its photo is not.
    """
    middle = bank.directions.mean(axis=0)
    spread = np.cov(bank.directions.T).astype(np.float16).astype(np.float32)
    tried = [*_captions(words, captioned, middle, spread), *_names(words, photos, texts, views, middle, spread)]
    if not tried:
        return None
    signs, right = np.concatenate([one for one, _ in tried]), np.concatenate([one for _, one in tried])
    center, scale = signs.mean(axis=0), signs.std(axis=0)
    design = np.concatenate([np.ones((len(signs), 1)), (signs - center) / scale], axis=1)
    fitted = logistic(design, right, np.ones(len(right)), LINE_RIDGE)
    logits = design @ fitted
    order = np.argsort(-logits, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(shares >= RIGHT)
    if not len(reached) or right[order[: reached[-1] + 1]].sum() < LEAST_FOUND * right.sum():
        return None
    slopes = fitted[1:] / scale
    constant = fitted[0] - slopes @ center - logits[order[reached[-1]]]
    weights = np.concatenate([[constant], slopes]).astype(np.float32)
    return Line(middle, spread, weights, float(shares[reached[-1]]), len(tried))


def _captions(
    words: Words, captioned: Sequence[Captions], middle: FloatArray, spread: FloatArray
) -> list[tuple[Doubles, Doubles]]:
    """The first caption of each photo, searched in every collection."""
    several = [one.texts for one in captioned if one.texts.shape[1] > 1]
    if not several:
        return []
    alike = np.quantile(np.concatenate([(one[:, :1] * one[:, 1:]).sum(axis=2).ravel() for one in several]), ALIKE)
    tried = []
    for asked in captioned:
        queries = words.queries(asked.texts[:, 0])
        for searched in captioned:
            cosines = queries @ searched.directions.T
            for row, query in enumerate(queries):
                best = np.argsort(-cosines[row], kind="stable")[:ASKED]
                near = (searched.texts[best] @ asked.texts[row, 0]).max(axis=1) >= alike
                own = (best == row) & (asked is searched)
                tried.append((line_signs(query, cosines[row, best], middle, spread), (near | own).astype(np.float64)))
    return tried


def _names(
    words: Words,
    photos: JudgedPhotos,
    texts: Mapping[int, FloatArray],
    views: Views,
    middle: FloatArray,
    spread: FloatArray,
) -> list[tuple[Doubles, Doubles]]:
    """The name of each tag, searched in every set that judges; photos of which nobody knows are passed over."""
    tried = []
    for tag, text in texts.items():
        query, labels = words.queries(text[None])[0], photos.judged(tag)
        for one in np.flatnonzero(photos.judges):
            rows = np.flatnonzero((photos.sets == one) & (labels <= 1))
            if len(rows):
                cosines = views.directions[rows] @ query
                best = np.argsort(-cosines, kind="stable")[:ASKED]
                right = (labels[rows[best]] == 1).astype(np.float64)
                tried.append((line_signs(query, cosines[best], middle, spread), right))
    return tried

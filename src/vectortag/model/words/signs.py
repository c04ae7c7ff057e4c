"""Signs of whether a network sees what a word says: how its classes, its direction and photos of everything agree."""

from __future__ import annotations

import numpy as np

from vectortag.core.numerics import TINY
from vectortag.core.types import Doubles, FloatArray
from vectortag.model.words.similarity import FLOOR, Views, WordEmbedding, Words, values

COUNT = 10
"""How many signs a word has."""

TAIL = (0.95, 0.99, 0.997)
"""Quantiles of a word's values on photos of everything: what is seen stands out on a few of them."""

BEST = 0.01
"""The share of photos that one view likes best, and the other is asked about."""


def signs_of_word(embedded: WordEmbedding, bank: Views, *, nearness: float, class_nearness: float) -> FloatArray:
    """What is seen of a word before anything is known of photos that show it: (COUNT,).

    Args:
        bank: photos of everything.
        nearness: the cosine to the nearest known word.
        class_nearness: the cosine to the nearest class, as `class_nearness` gives it.
    """
    fit = values(embedded, bank)
    by_class = np.log(bank.probabilities @ embedded.classes + FLOOR)
    direction = _standardised(bank.directions @ embedded.query)
    best = np.argsort(-by_class, kind="stable")[: max(1, round(BEST * len(by_class)))]
    agreement = float((_standardised(by_class) * direction).mean())
    return np.array(
        [
            nearness,
            class_nearness,
            agreement,
            *np.quantile(fit, TAIL),
            direction[best].mean(),
            np.quantile(by_class, TAIL[-1]),
            *np.quantile(direction, TAIL[1:]),
        ],
        np.float32,
    )


def class_nearness(words: Words, text: FloatArray) -> float:
    """The cosine of a text (D,) to the nearest class; -1 where there are no classes."""
    return float((words.class_texts @ text).max(initial=-1))


def _standardised(numbers: FloatArray) -> Doubles:
    deviations: Doubles = (numbers - numbers.mean(dtype=np.float64)) / max(float(numbers.std()), TINY)
    return deviations

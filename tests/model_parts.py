"""Blocks of heads and words of small models, made by code."""

from __future__ import annotations

import numpy as np

from vectortag.core.numerics import unit
from vectortag.model.blocks import LinearBlock, MlpBlock
from vectortag.model.classifier import Classifier
from vectortag.model.words.similarity import Words, no_classes

K, C, D = 6, 5, 12
"""Of `some_words`: values of an embedding, classes, values of a text."""


def mlp_block(seed: int, *, width: int, hidden: int, tags: int) -> MlpBlock:
    generator = np.random.default_rng(seed)
    shapes = {"w1": (hidden, width), "b1": (hidden,), "w2": (tags, hidden), "b2": (tags,)}
    return MlpBlock(**{name: generator.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()})


def linear_block(seed: int, *, width: int, tags: int) -> LinearBlock:
    generator = np.random.default_rng(seed)
    return LinearBlock(
        generator.normal(0, 0.5, (tags, width)).astype(np.float32), generator.normal(0, 1, tags).astype(np.float32)
    )


def embeddings_of(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def some_words(*, classes: int = C, seed: int = 0) -> Words:
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 1, shape).astype(np.float32)

    names = tuple(f"class {number}" for number in range(classes))
    classifier = Classifier(matrix(classes, K), matrix(classes), names) if classes else no_classes(K)
    turn = np.eye(D, dtype=np.float32) + 0.1 * matrix(D, D)
    return Words(
        classifier, unit(matrix(classes, D)), matrix(K + classes, D), matrix(D), 0.1 * matrix(D), turn,
        ("cat", "dog", "sea"), unit(matrix(3, D)),
    )  # fmt: skip

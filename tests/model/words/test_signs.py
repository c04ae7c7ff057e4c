"""Signs of whether a network sees what a word says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vectortag.core.numerics import unit
from vectortag.model.classifier import Classifier
from vectortag.model.words.signs import COUNT, class_nearness, signs_of_word
from vectortag.model.words.similarity import Words, no_classes

WIDTH = 8


@pytest.fixture
def words() -> Words:
    """A model whose classes are the axes of its embeddings, and whose texts point along them."""
    axes, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    classifier = Classifier(4 * axes, zeros, tuple(f"class {number}" for number in range(WIDTH)))
    projection = np.concatenate([axes, np.zeros((WIDTH, WIDTH), np.float32)])
    return Words(classifier, axes, projection, zeros, zeros, axes, ("one",), axes[:1])


@pytest.fixture
def embeddings() -> np.ndarray:
    random = np.random.default_rng(0)
    photos = random.normal(0, 0.5, (2000, WIDTH)).astype(np.float32)
    photos[:40, 2] += 4  # few photos show what class 2 is
    return photos


def test_a_word_that_is_seen_has_other_signs_than_one_that_is_not(words, embeddings):
    views = words.views(embeddings)
    seen = words.embed_word(words.class_texts[2], views)
    against = replace(seen, query=-seen.query)  # its direction says the opposite of its classes

    one, other = (signs_of_word(word, views, nearness=0.7, class_nearness=1.0) for word in (seen, against))

    assert one.shape == (COUNT,)
    assert one[:2] == pytest.approx([0.7, 1.0])
    assert one[2] > 0.3 > -0.3 > other[2]  # the agreement of classes and direction
    assert one[6] > 2 > -2 > other[6]  # what the direction says of the photos that the classes like best


def test_the_nearness_to_the_classes_is_that_of_the_nearest(words):
    between = unit(np.float32([[3, 4, 0, 0, 0, 0, 0, 0]]))[0]

    assert class_nearness(words, between) == pytest.approx(0.8)
    assert (
        class_nearness(replace(words, classifier=no_classes(WIDTH), class_texts=words.class_texts[:0]), between) == -1
    )

"""Words are learnt: texts and photos that belong together come to lie together, others too that were never shown."""

from __future__ import annotations

import numpy as np

from vectortag.assembly.contrastive import Described, Tagged, learn_words
from vectortag.core.numerics import unit
from vectortag.model.classifier import Classifier
from vectortag.model.words.similarity import Words, no_classes

K, D, N = 20, 16, 600


def world(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos (n, K) and texts (n, D) of the same things, each a fixed linear view of them with some noise."""
    views = np.random.default_rng(99)
    to_photo, to_text = views.normal(0, 1, (8, K)), views.normal(0, 1, (8, D))
    random = np.random.default_rng(seed)
    things = random.normal(0, 1, (count, 8))
    photos = things @ to_photo + 0.3 * random.normal(0, 1, (count, K))
    return photos.astype(np.float32), unit(things @ to_text + 0.1 * random.normal(0, 1, (count, D)))


def learn(*, classifier: Classifier | None = None, seed: int = 1) -> Words:
    photos, texts = world(N, 0)
    rows = np.arange(N)
    words = unit(np.eye(D, dtype=np.float32)[:4])
    has = (texts @ words.T) > 0.3
    classifier = classifier or no_classes(K)
    class_texts = unit(np.random.default_rng(3).normal(0, 1, (len(classifier.names), D)))
    return learn_words(
        photos, classifier, class_texts,
        described=[Described(rows, texts[:, None])], tagged=[Tagged(rows, words, has)],
        known=("a", "b", "c", "d"), known_texts=words, epochs=60, seed=seed,
    )  # fmt: skip


def share_found(words: Words) -> float:
    """How often the right one of 200 new photos is nearest to its text."""
    photos, texts = world(200, 7)
    cosines = words.queries(texts) @ words.views(photos).directions.T
    return float((cosines.argmax(axis=1) == np.arange(200)).mean())


def test_new_photos_are_found_by_their_texts():
    assert share_found(learn()) > 0.3  # by chance 0.005


def test_with_a_classifier_too():
    random = np.random.default_rng(4)
    classes = Classifier(random.normal(0, 1, (3, K)).astype(np.float32), np.zeros(3, np.float32), ("x", "y", "z"))

    words = learn(classifier=classes)

    assert words.projection.shape == (K + 3, D)
    assert share_found(words) > 0.2


def test_the_same_seed_gives_the_same_words():
    np.testing.assert_array_equal(learn().projection, learn().projection)
    assert not np.array_equal(learn().projection, learn(seed=2).projection)

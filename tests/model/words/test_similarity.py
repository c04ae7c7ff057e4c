"""How well words fit photos: their values, and how these change along the embedding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from model_parts import C, D, K, some_words

from vectortag.core.numerics import unit
from vectortag.model.words.similarity import values


def photos(count: int = 300, seed: int = 1) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(0, 1, (count, K))).astype(np.float32)


def text(seed: int = 2) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(0, 1, (1, D)))[0]


class TestEmbedding:
    def test_photos_of_everything_have_mean_0_and_deviation_1(self):
        words = some_words()
        views = words.views(photos())

        found = values(words.embed_word(words.class_texts[2], views), views)

        assert found.mean() == pytest.approx(0, abs=1e-5)
        assert found.std() == pytest.approx(1, abs=1e-5)

    def test_a_word_that_is_a_class_is_found_where_the_class_is(self):
        words = some_words()
        views = words.views(photos())

        found = values(replace(words.embed_word(words.class_texts[2], views), by_direction=0.0), views)

        likely = views.probabilities[:, 2]
        assert np.corrcoef(found, np.log(likely + 1e-6))[0, 1] > 0.95

    def test_a_word_far_from_every_class_goes_by_its_direction_alone(self):
        words = some_words()
        far = unit(-words.class_texts.sum(axis=0))
        assert (words.class_texts @ far).max() < 0.5

        assert words.embed_word(far, words.views(photos())).by_class == 0

    def test_a_model_without_classes_goes_by_the_direction(self):
        words = some_words(classes=0)
        views = words.views(photos())

        embedded = words.embed_word(text(), views)

        assert np.corrcoef(values(embedded, views), views.directions @ words.queries(text()[None])[0])[0, 1] > 0.999

    def test_the_nearest_known_words_come_first(self):
        words = some_words()

        (first, cosine), *others = words.nearest(words.known_texts[1])

        assert first == "dog"
        assert cosine == pytest.approx(1)
        assert [one for _, one in others] == sorted((one for _, one in others), reverse=True)


@pytest.mark.parametrize("classes", [C, 0])
def test_a_value_changes_along_the_embedding_as_it_is_computed(classes):
    words = some_words(classes=classes)
    near = unit(words.class_texts[1] + 0.2 * text()) if classes else text()
    embedded = words.embed_word(near, words.views(photos()))
    embedding = photos(1, seed=5)[0]
    directions = np.eye(K, dtype=np.float32)
    step = 1e-3

    found = words.along(embedded, embedding, directions)

    moved = np.concatenate([embedding + step * directions, embedding - step * directions])
    both = values(embedded, words.views(moved)).astype(np.float64)
    np.testing.assert_allclose(found, (both[:K] - both[K:]) / (2 * step), rtol=0.02, atol=2e-3)


@pytest.mark.parametrize("classes", [C, 0])
def test_the_map_of_a_sentence_is_how_its_cosine_changes_along_each_cell(classes):
    words, query = some_words(classes=classes), unit(text()[None])[0]
    feature_map = photos(12, seed=5).T.reshape(K, 3, 4).copy()
    cells = feature_map.reshape(K, -1)
    step = 1e-3

    found = words.sentence_map(query, feature_map)

    moved = np.concatenate([cells.mean(axis=1) + step * cells.T, cells.mean(axis=1) - step * cells.T])
    cosines = (words.views(moved).directions @ query).astype(np.float64)
    rise = np.maximum(cosines[:12] - cosines[12:], 0)
    expected = (rise - rise.min()) / (rise.max() - rise.min())
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found.ravel(), expected, atol=0.02)
    assert (found.min(), found.max()) == (0, 1)

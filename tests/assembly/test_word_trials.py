"""Names of tags and captions, tried on photos."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.judged_photos import JudgedPhotos
from vectortag.assembly.word_trials import RIGHT, Captions, fit_line, try_words, views_of
from vectortag.core.numerics import unit
from vectortag.model.classifier import Classifier
from vectortag.model.words.similarity import Words

COUNT, WIDTH = 6000, 12
TAGS = ("dog", "boat", "sea")


@pytest.fixture
def words() -> Words:
    """A model whose directions are its embeddings; the first three classes are the three tags."""
    random = np.random.default_rng(0)
    texts = np.eye(WIDTH, dtype=np.float32)
    classifier = Classifier(
        4 * np.eye(4, WIDTH, dtype=np.float32), np.zeros(4, np.float32), ("dog", "boat", "sea", "x")
    )
    projection = np.concatenate([np.eye(WIDTH), np.zeros((4, WIDTH))]).astype(np.float32)
    zeros = np.zeros(WIDTH, np.float32)
    known = unit(random.normal(0, 1, (5, WIDTH)).astype(np.float32))
    names = ("one", "two", "three", "four", "five")
    return Words(classifier, texts[:4], projection, zeros, zeros, np.eye(WIDTH, dtype=np.float32), names, known)


@pytest.fixture
def photos() -> JudgedPhotos:
    """Two sets; the second shows no boat."""
    random = np.random.default_rng(1)
    embeddings = random.normal(0, 0.5, (COUNT, WIDTH)).astype(np.float32)
    labels = (random.random((COUNT, 3)) < 0.03).astype(np.uint8)
    sets = np.repeat([0, 1], COUNT // 2)
    labels[sets == 1, 1] = 0
    embeddings[:, :3] += 3 * labels
    return JudgedPhotos(TAGS, ("a", "b"), embeddings, labels, sets, np.arange(2), np.array([True, True]))


def test_each_name_is_tried_on_photos_that_are_known_to_have_it_or_not(words, photos):
    views = views_of(words, photos.embeddings)
    texts = {tag: np.eye(WIDTH, dtype=np.float32)[tag] for tag in range(3)}
    embedded = {tag: words.embed_word(text, views) for tag, text in texts.items()}

    trials = try_words(words, photos, texts, embedded, views, views)

    assert [trial.tag for trial in trials] == list(TAGS)
    for tag, trial in enumerate(trials):
        assert len(trial.positives) == (photos.labels[:, tag] == 1).sum()
        assert len(trial.negatives) == (photos.labels[:, tag] == 0).sum()
        assert (trial.positives[:, None] > trial.negatives[None]).mean() > 0.95
        assert trial.signs[1] == pytest.approx(1)  # a class is called so


def test_eight_of_ten_photos_above_the_line_are_right(words, photos):
    views = views_of(words, photos.embeddings)
    texts = {tag: np.eye(WIDTH, dtype=np.float32)[tag] for tag in range(3)}

    line = fit_line(words, photos, texts, views, views, ())

    assert line is not None
    assert line.right >= RIGHT
    boat = words.queries(texts[1][None])[0]
    with_boats, without = (views.directions[photos.sets == one] @ boat for one in (0, 1))
    assert line.is_above(boat, with_boats).sum() > line.is_above(boat, without).sum()


def test_a_caption_is_searched_also_where_its_photo_is_not(words, photos):
    views, random = views_of(words, photos.embeddings), np.random.default_rng(3)

    def collection(first: int) -> Captions:
        """Photos of four kinds each, two captions a photo; no kind is in both."""
        kinds = first + np.arange(80) % 4
        texts = unit(np.eye(WIDTH)[kinds][:, None] + random.normal(0, 0.05, (80, 2, WIDTH)))
        return Captions(unit(np.eye(WIDTH)[kinds] + random.normal(0, 0.1, (80, WIDTH))), texts)

    one, other = collection(4), collection(8)
    line = fit_line(words, photos, {}, views, views, [one, other])

    assert line is not None
    assert line.queries == 4 * 80
    query = one.texts[0, 0]
    assert line.is_above(query, one.directions @ query).sum() > 3 * line.is_above(query, other.directions @ query).sum()


def test_without_any_search_there_is_no_line(words, photos):
    views = views_of(words, photos.embeddings)

    assert fit_line(words, photos, {}, views, views, ()) is None

"""Words placed among what a backbone knows: their values, how these change, and what is stored of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vectortag.assembly.word_trust import Trial, fit_evidence
from vectortag.core.numerics import unit
from vectortag.model.classifier import Classifier
from vectortag.model.words.similarity import Words, no_classes, values
from vectortag.model.words.storage import pack_words, to_bytes, unpack_words

K, C, D = 6, 5, 12


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


def photos(count: int = 300, seed: int = 1) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(0, 1, (count, K))).astype(np.float32)


def text(seed: int = 2) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(0, 1, (1, D)))[0]


class TestPlacing:
    def test_photos_of_everything_have_mean_0_and_deviation_1(self):
        words = some_words()
        views = words.views(photos())

        found = values(words.place(words.class_texts[2], views), views)

        assert found.mean() == pytest.approx(0, abs=1e-5)
        assert found.std() == pytest.approx(1, abs=1e-5)

    def test_a_word_that_is_a_class_is_found_where_the_class_is(self):
        words = some_words()
        views = words.views(photos())

        found = values(replace(words.place(words.class_texts[2], views), by_direction=0.0), views)

        likely = views.probabilities[:, 2]
        assert np.corrcoef(found, np.log(likely + 1e-6))[0, 1] > 0.95

    def test_a_word_far_from_every_class_goes_by_its_direction_alone(self):
        words = some_words()
        far = unit(-words.class_texts.sum(axis=0))
        assert (words.class_texts @ far).max() < 0.5

        assert words.place(far, words.views(photos())).by_class == 0

    def test_a_model_without_classes_goes_by_the_direction(self):
        words = some_words(classes=0)
        views = words.views(photos())

        placed = words.place(text(), views)

        assert np.corrcoef(values(placed, views), views.directions @ words.queries(text()[None])[0])[0, 1] > 0.999

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
    placed = words.place(near, words.views(photos()))
    embedding = photos(1, seed=5)[0]
    directions = np.eye(K, dtype=np.float32)
    step = 1e-3

    found = words.along(placed, embedding, directions)

    moved = np.concatenate([embedding + step * directions, embedding - step * directions])
    both = values(placed, words.views(moved)).astype(np.float64)
    np.testing.assert_allclose(found, (both[:K] - both[K:]) / (2 * step), rtol=0.02, atol=2e-3)


class TestStoring:
    def test_what_is_unpacked_is_what_was_packed(self):
        trials = [Trial(number / 50, photos(80, number)[:, 0], photos(80, number)[:, 0] > 1) for number in range(50)]
        words = replace(some_words(), evidence=fit_evidence(trials))

        found = unpack_words(pack_words(words), words.classifier)

        assert found.known == words.known
        error = np.abs(found.projection - words.projection).max(axis=1)
        assert (error <= 0.501 / 127 * np.abs(words.projection).max(axis=1)).all()
        np.testing.assert_allclose(found.known_texts, words.known_texts, atol=0.01)
        for group in range(len(words.evidence.words)):
            assert found.evidence.calibration.one(group) == words.evidence.calibration.one(group)

    def test_a_projection_in_fp16_is_read_as_it_is(self):
        words = some_words()
        arrays = pack_words(words)
        del arrays["projection_steps"]

        found = unpack_words({**arrays, "projection": words.projection.astype(np.float16)}, words.classifier)

        np.testing.assert_allclose(found.projection, words.projection, rtol=1e-3, atol=1e-6)

    def test_without_evidence_and_known_words_too(self):
        words = replace(some_words(), known=(), known_texts=np.empty((0, D), np.float32))

        found = unpack_words(pack_words(words), words.classifier)

        assert (found.known, found.evidence) == ((), None)

    def test_the_words_of_another_classifier_are_refused(self):
        with pytest.raises(ValueError, match="texts of 5 classes"):
            unpack_words(pack_words(some_words()), no_classes(K))

    def test_a_row_in_bytes_points_where_it_pointed(self):
        rows = unit(np.random.default_rng(0).normal(0, 1, (20, 384)))

        cosines = (unit(to_bytes(rows)) * rows).sum(axis=1)

        assert cosines.min() > 0.999


class TestEvidence:
    def trials(self, count: int = 80) -> list[Trial]:
        """The nearer a word is, the better it is told."""
        random = np.random.default_rng(0)
        made = []
        for number in range(count):
            nearness = 0.3 + 0.7 * number / count
            shown = random.random(400) < 0.1
            made.append(Trial(nearness, (random.normal(0, 1, 400) + 4 * nearness * shown).astype(np.float32), shown))
        return made

    def test_near_words_are_trusted_more_than_far_ones(self):
        evidence = fit_evidence(self.trials())

        assert list(evidence.separation) == sorted(evidence.separation)
        assert list(evidence.precision) == sorted(evidence.precision)
        assert evidence.words.sum() == 80

    def test_a_word_belongs_to_the_group_of_those_as_near(self):
        evidence = fit_evidence(self.trials())

        assert evidence.group(0.1) == -1
        assert evidence.group(0.35) == 0
        assert evidence.group(1.0) == len(evidence.calibration.slope) - 1

    def test_precision_is_what_photos_at_the_threshold_show_when_two_of_a_hundred_have_the_word(self):
        trials = self.trials()[-20:]
        evidence = fit_evidence(trials)
        slope, bias, thresholds = evidence.calibration.one(0)
        threshold = thresholds["balanced"]

        taken = [slope * trial.values + bias >= np.log(threshold / (1 - threshold)) for trial in trials]
        right = sum(float((one & t.shown).sum() / t.shown.sum()) for one, t in zip(taken, trials, strict=True))
        wrong = sum(float((one & ~t.shown).sum() / (~t.shown).sum()) for one, t in zip(taken, trials, strict=True))

        assert evidence.precision[0] == pytest.approx(0.02 * right / (0.02 * right + 0.98 * wrong), rel=1e-3)

    def test_a_few_words_say_nothing(self):
        assert fit_evidence(self.trials(11)) is None

"""Tags by groups of a classifier's classes: which they are, and how far they are trusted."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.core.numerics import sigmoid
from vectortag.core.types import UNKNOWN
from vectortag.model.calibration import PROFILES
from vectortag.model.class_groups import FEWEST_POSITIVES, PRECISION, PREVALENCE, borrow, borrowed_tags, group_block
from vectortag.model.classifier import Classifier
from vectortag.model.taxonomy import Taxonomy

TAXONOMY = Taxonomy(
    groups={"guitar": ("acoustic guitar", "electric guitar"), "dog": ("pug", "beagle"), "yurt": ("yurt",)}
)
CLASSIFIER = Classifier(np.eye(4, dtype=np.float32), np.zeros(4, np.float32), ("pug", "electric guitar", "beagle", "x"))


def drawn(photos: int = 20_000, tags: int = 4, share: float = PREVALENCE) -> tuple[np.ndarray, np.ndarray]:
    """Logits of groups and the truth, drawn from the curve sigmoid(2 * logit + c) that gives `share` positives."""
    generator = np.random.default_rng(5)
    logits = generator.normal(0, 2, (photos, tags)).astype(np.float32)
    shift = -next(c for c in np.arange(0, 12, 0.05) if sigmoid(2 * logits - c).mean() <= share)
    return logits, (generator.random(logits.shape) < sigmoid(2 * logits + shift)).astype(np.uint8)


def test_the_borrowed_tags_are_those_that_are_not_taught_and_of_which_a_class_is_known():
    assert borrowed_tags(TAXONOMY, CLASSIFIER.names, ()) == ("dog", "guitar")
    assert borrowed_tags(TAXONOMY, CLASSIFIER.names, ("dog",)) == ("guitar",)
    assert borrowed_tags(TAXONOMY, (), ()) == ()


def test_a_block_has_the_classes_of_each_tag_that_the_classifier_knows():
    block = group_block(CLASSIFIER, TAXONOMY, ("dog", "guitar"))

    np.testing.assert_array_equal(block.groups, [[1, 0, 1, 0], [0, 1, 0, 0]])
    embedding = np.float32([[3, 0, 1, 0]])
    expected = CLASSIFIER.probabilities(embedding)[0, [0, 2]].sum()
    assert sigmoid(block.logits(embedding))[0, 0] == pytest.approx(expected, abs=1e-6)


def test_the_curve_is_the_one_that_the_truth_was_drawn_from():
    logits, targets = drawn()

    borrowed = borrow(logits, targets, first=7)

    scores = borrowed.calibration.scores(logits)
    assert borrowed.first == 7
    assert borrowed.calibration.slope[0] == pytest.approx(2, abs=0.2)
    assert scores.mean() == pytest.approx(PREVALENCE, abs=0.001)


def test_tags_that_their_sets_show_often_are_weighed_as_if_they_were_rare():
    logits, targets = drawn(share=0.3)

    borrowed = borrow(logits, targets, first=0)

    scores = borrowed.calibration.scores(logits)
    has = targets == 1
    rare = PREVALENCE * scores[has].mean() + (1 - PREVALENCE) * scores[~has].mean()
    assert rare == pytest.approx(PREVALENCE, abs=0.002)


def test_a_threshold_is_the_lowest_that_is_as_precise_as_the_profile_asks():
    logits, targets = drawn()

    borrowed = borrow(logits, targets, first=0)

    scores = borrowed.calibration.scores(logits)
    weights = np.where(targets == 1, PREVALENCE / (targets == 1).sum(0), (1 - PREVALENCE) / (targets == 0).sum(0))
    thresholds = borrowed.calibration.thresholds
    for profile in PROFILES:
        shown = scores >= thresholds[profile]
        lower = scores >= np.sort(scores[~shown])[-50]
        precision, less = ((weights * targets)[which].sum() / weights[which].sum() for which in (shown, lower))
        assert precision >= PRECISION[profile] > less - 0.02
    assert thresholds["precise"] > thresholds["balanced"] > thresholds["thorough"]


def test_a_taught_tag_with_few_photos_says_nothing():
    logits, targets = drawn()
    few = targets.copy()
    few[np.flatnonzero(few[:, 0] == 1)[FEWEST_POSITIVES - 1 :], 0] = UNKNOWN

    without = borrow(logits[:, 1:], targets[:, 1:], first=0)

    assert borrow(logits, few, first=0).calibration.one(0) == without.calibration.one(0)


def test_without_any_taught_group_the_softmax_is_taken_at_its_word():
    borrowed = borrow(np.empty((5, 0), np.float32), np.empty((5, 0), np.uint8), first=0)

    assert borrowed.calibration.one(0) == (1, 0, PRECISION)

"""Labels that look wrong, judged by heads that have not learnt them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vectortag.assembly.folds import EPOCHS, folds_of, out_of_fold_scores
from vectortag.assembly.label_errors import doubted_labels, doubted_photos, find_label_errors, suspicion, wrong_count
from vectortag.assembly.mlp import FIT_OPTIONS, fit_mlp
from vectortag.core.errors import DataError
from vectortag.data.records import read_data_set
from vectortag.model.taxonomy import Taxonomy

PHOTOS, WIDTH, FLIPPED = 240, 16, 12


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (N, K) of photos with and without a tag, labels (N, 1) of which some are wrong, and which are."""
    random = np.random.default_rng(0)
    truth = np.arange(PHOTOS) % 3 == 0
    embeddings = random.normal(0, 1, (PHOTOS, WIDTH)).astype(np.float32)
    embeddings[truth, :4] += 3
    wrong = np.isin(np.arange(PHOTOS), random.permutation(PHOTOS)[:FLIPPED])
    return embeddings, (truth ^ wrong)[:, None].astype(np.uint8), wrong


def found_among(scores: np.ndarray, targets: np.ndarray, wrong: np.ndarray) -> int:
    """How many of the first doubted labels are wrong: as many as there are wrong ones."""
    return sum(bool(wrong[one.row]) for one in doubted_labels(scores, targets)[:FLIPPED])


def test_heads_that_have_not_learnt_a_label_find_errors_that_a_head_of_all_photos_repeats(labelled):
    embeddings, targets, wrong = labelled

    apart = out_of_fold_scores(embeddings, targets, folds_of(PHOTOS))

    head = fit_mlp(
        embeddings, targets, replace(FIT_OPTIONS, epochs=20 * EPOCHS, dropout=0.0, input_dropout=0.0, mixup=0.0)
    )
    together = 1 / (1 + np.exp(-head.logits(embeddings)))
    assert found_among(apart, targets, wrong) >= 0.9 * FLIPPED
    assert found_among(together, targets, wrong) <= 0.5 * FLIPPED


def test_a_photo_is_judged_by_other_folds_alone(labelled):
    embeddings, targets, _ = labelled
    folds = folds_of(PHOTOS)
    changed = np.where((folds == 2)[:, None], 1 - targets, targets).astype(np.uint8)

    before, after = (out_of_fold_scores(embeddings, labels, folds)[folds == 2, 0] for labels in (targets, changed))

    assert np.argsort(before).tolist() == np.argsort(after).tolist()  # one curve calibrates all, so the order stays


class TestDoubts:
    SCORES = np.float32([[0.9], [0.8], [0.1], [0.2], [0.97], [0.05], [0.5]])
    TARGETS = np.uint8([[1], [1], [0], [0], [0], [1], [255]])

    def test_labels_that_the_scores_contradict_come_in_order_of_doubt(self):
        found = doubted_labels(self.SCORES, self.TARGETS)

        assert [(one.row, one.has) for one in found] == [(4, False), (5, True)]
        assert [one.score for one in found] == pytest.approx([0.97, 0.05])

    def test_each_tag_is_judged_by_its_own_scores(self):
        other = np.full_like(self.TARGETS, 255)
        other[:4] = [[1], [0], [0], [1]]

        found = doubted_labels(np.hstack([self.SCORES, self.SCORES]), np.hstack([self.TARGETS, other]))

        assert {(one.row, one.tag) for one in found} == {(4, 0), (5, 0), (1, 1), (3, 1)}

    def test_of_all_tags_the_most_suspicious_labels_are_doubted(self):
        random = np.random.default_rng(0)
        targets = (random.random((200, 3)) < [0.5, 0.1, 0.05]).astype(np.uint8)
        scores = np.clip(targets + random.normal(0, 0.4, (200, 3)), 0, 1).astype(np.float32)

        found = doubted_labels(scores, targets)

        places = [(one.row, one.tag) for one in found]
        odds = suspicion(scores, targets)
        expected = sum(wrong_count(scores[:, tag].astype(float), targets[:, tag] == 1) for tag in range(3))
        assert len(places) == len(set(places)) == round(expected) > 10
        assert [odds[place] for place in places] == sorted(odds.ravel().tolist(), reverse=True)[: len(places)]
        assert all(one.has == (targets[one.row, one.tag] == 1) for one in found)

    def test_the_number_of_wrong_labels_is_estimated_by_confident_ones(self):
        #                    right, right, wrong, unclear | right, right, right, wrong, unclear
        scores = np.float64([0.9, 0.9, 0.1, 0.6, 0.1, 0.1, 0.1, 0.9, 0.4])
        has = np.arange(9) < 4

        # Of the first four, one of three is confidently wrong, and one is contradicted; of the others, one of four.
        assert wrong_count(scores, has) == pytest.approx(min(4 / 3, 1) + min(5 / 4, 1))
        assert wrong_count(np.where(has, 0.9, 0.1), has) == 0

    @pytest.mark.parametrize("share", [0.05, 0.2])
    def test_the_number_of_wrong_labels_is_near_that_of_flipped_ones(self, share: float):
        random = np.random.default_rng(1)
        truth = random.random(20_000) < 0.3
        scores = 1 / (1 + np.exp(-np.where(truth, 4, -4) - random.normal(0, 1.5, len(truth))))
        flipped = random.random(len(truth)) < share

        assert wrong_count(scores, truth ^ flipped) == pytest.approx(flipped.sum(), rel=0.15)

    @pytest.mark.parametrize("label", [0, 1, 255])
    def test_labels_of_one_kind_say_nothing(self, label: int):
        alone = np.full_like(self.TARGETS, label)

        assert doubted_labels(self.SCORES, alone) == []
        found = doubted_labels(np.hstack([self.SCORES, self.SCORES]), np.hstack([alone, self.TARGETS]))
        assert {(one.row, one.tag) for one in found} == {(4, 1), (5, 1)}


def test_the_labels_of_one_tag_are_doubted_by_photo(labelled):
    embeddings, targets, wrong = labelled
    photos = [Path(f"{number}.jpg") for number in range(PHOTOS)]
    labels = {photo: bool(has) for photo, (has,) in zip(photos, targets, strict=True)}

    found = doubted_photos(dict(zip(photos, embeddings, strict=True)), labels, {})

    assert len({one.photo for one in found[:FLIPPED]} & {photos[row] for row in np.flatnonzero(wrong)}) >= 10
    assert all(one.has == labels[one.photo] for one in found)
    assert doubted_photos(dict(zip(photos, embeddings, strict=True)), dict.fromkeys(photos, True), {}) == []


def test_all_labels_of_a_data_set_are_judged(make_data_set, tagger):
    words = {f"{number}.jpg": "dog" if number % 2 else "dog, sea" if number % 4 else "rare" for number in range(24)}
    words["0.jpg"] = "seldom"
    data = read_data_set(make_data_set(words))

    found = find_label_errors(data, tagger, Taxonomy(), folds=4)

    assert found.tags == ("dog", "rare", "sea")
    assert found.labels == 24 * 3
    assert len(found.records) == 24
    assert all(0 <= one.row < 24 and 0 <= one.score <= 1 for one in found.doubts)


def test_suspicion_is_the_log_odds_that_a_label_is_wrong():
    scores, targets = np.float32([[0.9], [0.2], [0.5], [0.7]]), np.uint8([[1], [0], [0], [255]])

    found = suspicion(scores, targets)[:, 0]

    share = np.log(1 / 2)  # one of three known labels is there
    expected = [share - np.log(0.9 / 0.1), np.log(0.2 / 0.8), 0.0, np.nan]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_too_few_photos_of_each_tag_for_the_folds_are_refused_with_the_remedy(make_data_set, tagger):
    data = read_data_set(make_data_set({f"{number}.jpg": f"word{number}" for number in range(8)}))

    with pytest.raises(DataError, match=r"no tag has 4 photos; the most frequent has 1\. Lower the number of folds"):
        find_label_errors(data, tagger, Taxonomy(), folds=4)

"""From embeddings to scores and tags, without a network or a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import UnknownTagError
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS
from vectortag.personal.corrected_rows import Refit

ANIMAL, BEACH, DOG, SEA = range(4)


@pytest.fixture
def folder(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


@pytest.fixture
def scorer(folder: ModelFolder) -> Scorer:
    return Scorer.of(folder, 32, "balanced", NO_ADDITIONS, ())


@pytest.fixture
def embeddings() -> np.ndarray:
    """(50, 8)"""
    return np.abs(np.random.default_rng(3).normal(0, 0.4, (50, 8))).astype(np.float32)


def test_a_score_is_the_sigmoid_of_its_calibrated_logit(scorer: Scorer, embeddings: np.ndarray):
    by_hand = 1 / (1 + np.exp(-(2.4 * scorer.head.logits(embeddings)[:, BEACH].astype(np.float64) + 2.2)))

    np.testing.assert_allclose(scorer.own_scores(embeddings)[:, BEACH], by_hand, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-scorer.logits(embeddings)[:, BEACH])), by_hand, atol=1e-6)


def test_a_parent_gets_the_score_of_its_highest_child(scorer: Scorer, embeddings: np.ndarray):
    own, raised = scorer.own_scores(embeddings), scorer.scores(embeddings)

    assert (own[:, ANIMAL] < own[:, DOG]).all()
    np.testing.assert_array_equal(raised[:, ANIMAL], own[:, DOG])
    np.testing.assert_array_equal(raised[:, BEACH], own[:, BEACH])


def test_a_profile_chooses_the_thresholds(folder: ModelFolder):
    of = {name: Scorer.of(folder, 32, name, NO_ADDITIONS, ()).thresholds for name in ("precise", "thorough")}

    np.testing.assert_allclose(of["precise"], [0.7, 0.7, 0.7, np.nan, 0.7, 0.7])
    np.testing.assert_allclose(of["thorough"], [0.3, 0.3, 0.3, np.nan, 0.3, 0.3])


def shown(scorer: Scorer, scores: Sequence[float]) -> list[str]:
    row = np.float32(scores)
    return [one.tag for one in scorer.shown(row, scorer.with_thresholds(row))]


def test_tags_that_reach_their_threshold_are_shown_highest_first(scorer: Scorer):
    assert shown(scorer, [0.6, 0.5, 0.9, 0.99, 0.49, 0]) == ["dog", "animal", "beach"]


def test_a_tag_without_a_threshold_has_none_and_is_never_shown(scorer: Scorer):
    row = np.ones(6, np.float32)

    assert scorer.with_thresholds(row)[SEA].threshold is None
    assert "sea" not in shown(scorer, row)


def test_a_tag_is_found_by_its_name_and_by_a_synonym(scorer: Scorer):
    assert scorer.index("dog") == scorer.index("Puppy") == DOG
    with pytest.raises(UnknownTagError, match='Did you mean "beach"'):
        scorer.index("beech")


def test_a_corrected_row_moves_its_own_logit_alone(folder: ModelFolder, scorer: Scorer, embeddings: np.ndarray):
    width = folder.head.blocks[0].w1.shape[0]
    moved = Scorer.of(folder, 32, "balanced", NO_ADDITIONS, [Refit("beach", np.zeros(width, np.float32), 2.0, 1)])

    change = moved.head.logits(embeddings) - scorer.head.logits(embeddings)

    np.testing.assert_allclose(change[:, BEACH], 2.0, atol=1e-5)
    assert not np.delete(change, BEACH, axis=1).any()


def test_an_added_tag_stands_last_and_implies_its_parents(tagger: Tagger, make_photo: Callable[..., Path]):
    tagger.add_tag("kennel", [make_photo(f"{seed}.jpg", seed=seed) for seed in range(5)], parents=["vehicle"])
    scorer = tagger.scorer
    row = np.float32([0, 0, 0, 0, 0, 0, 1])
    (only,) = scorer.shown(row, scorer.with_thresholds(row))

    assert scorer.tags[-1] == only.tag == "kennel"
    assert scorer.implied([only]) == ("vehicle",)


def test_a_parent_that_is_shown_itself_is_not_implied(tagger: Tagger, make_photo: Callable[..., Path]):
    tagger.add_tag("kennel", [make_photo(f"{seed}.jpg", seed=seed) for seed in range(5)], parents=["vehicle"])
    scorer = tagger.scorer
    row = np.float32([0, 0, 0, 0, 0, 1, 1])

    assert scorer.implied(scorer.shown(row, scorer.with_thresholds(row))) == ()

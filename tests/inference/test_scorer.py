"""From embeddings to scores and tags, without a network or a photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import UnknownTagError
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.taxonomy import Taxonomy
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
    return [scorer.tags[index] for index in np.flatnonzero(scorer.shown(np.float32([scores]))[0])]


def test_tags_that_reach_their_threshold_are_shown(scorer: Scorer):
    assert shown(scorer, [0.6, 0.5, 0.9, 0.99, 0.49, 0]) == ["animal", "beach", "dog"]


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


def test_an_added_tag_stands_last_and_is_shown_with_the_parents_that_it_implies(
    tagger: Tagger, make_photo: Callable[..., Path]
):
    tagger.add_tag("kennel", [make_photo(f"{seed}.jpg", seed=seed) for seed in range(5)], parents=["vehicle"])
    row = [0.1, 0, 0, 0, 0, 0.2, 1]

    assert tagger.tags[-1] == "kennel"
    assert shown(tagger.scorer, row) == ["vehicle", "kennel"]
    assert tagger.scorer.ancestors == {"dog": ("animal",), "boat": ("vehicle",), "kennel": ("vehicle",)}


def test_a_parent_that_an_added_tag_shows_keeps_its_score(tagger: Tagger, make_photo: Callable[..., Path]):
    tagger.add_tag("kennel", [make_photo(f"{seed}.jpg", seed=seed) for seed in range(5)], parents=["vehicle"])

    tagging = tagger.decide(np.float32([0.1, 0, 0, 0, 0, 0.2, 1]))

    assert [(one.tag, one.score) for one in tagging.tags] == [("kennel", 1), ("vehicle", pytest.approx(0.2))]
    assert tagging.implied == ("vehicle",)


class TestGuesses:
    @staticmethod
    def guesses(tagger: Tagger, scores: Sequence[float]) -> list[str]:
        return [one.tag for one in tagger.decide(np.float32(scores)).guesses]

    @pytest.fixture
    def rare(
        self, write_tiny_model: Callable[..., ModelFolder], tiny_fields: Mapping[str, Any], tmp_path: Path
    ) -> Tagger:
        """The tiny model with curves by which no background photo has a score above 0.01."""
        (point,) = tiny_fields["operating_points"]
        careful = Taxonomy(implications={"dog": ["animal"], "boat": ["vehicle"]}, careful=("boat",))
        quiet = [{**point, "slope": [0.1] * 6, "bias": [-9.0] * 6}]
        return Tagger.load(write_tiny_model(tmp_path / "rare", operating_points=quiet, taxonomy=careful))

    def test_the_highest_scores_below_their_thresholds_are_guessed(self, rare: Tagger):
        assert self.guesses(rare, [0.45, 0.35, 0.42, 0, 0, 0.1]) == ["animal", "dog", "beach"]

    def test_nothing_is_guessed_where_a_tag_is_shown(self, rare: Tagger):
        assert self.guesses(rare, [0.45, 0.5, 0.42, 0, 0, 0.1]) == []

    def test_a_careful_tag_and_one_without_a_threshold_are_never_guessed(self, rare: Tagger):
        assert self.guesses(rare, [0, 0, 0, 0.49, 0.49, 0]) == []

    def test_a_score_that_background_photos_have_too_is_no_guess(self, tagger: Tagger):
        usual = float(tagger.scores(tagger.folder.background)[:, BEACH].mean())
        assert 0.3 < 2 * usual < 0.5

        assert self.guesses(tagger, [0, 2 * usual - 0.01, 0, 0, 0, 0]) == []
        assert self.guesses(tagger, [0, 2 * usual + 0.01, 0, 0, 0, 0]) == ["beach"]

    def test_without_background_photos_nothing_is_guessed(self, write_tiny_model, tmp_path: Path):
        tagger = Tagger.load(write_tiny_model(tmp_path / "none", background=None))

        assert self.guesses(tagger, [0.45, 0.35, 0.42, 0, 0, 0.1]) == []

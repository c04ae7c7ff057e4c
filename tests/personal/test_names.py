"""Which tag a word means, which names are free, and what a new tag implies."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.core.errors import NewTagError, UnknownTagError
from vectortag.model.calibration import Calibration
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.personal.added_tags import save_addition
from vectortag.personal.few_shot import FittedTag
from vectortag.personal.names import ancestors, check_name, index_of


@pytest.fixture
def model(tiny_model) -> ModelFolder:
    """The tiny model: animal, beach, dog (or puppy), sea, boat (or ship), vehicle."""
    return read_model_folder(tiny_model)


@pytest.fixture
def with_kayak(model: ModelFolder) -> ModelFolder:
    """The same, with the added tag "kayak"."""
    thresholds = {"precise": 0.6, "balanced": 0.5, "thorough": 0.4}
    fitted = FittedTag(np.ones(22, np.float32), Calibration.of_one(1.0, 0.0, thresholds), 0.9)
    none = np.empty((0, 2, 8), np.float32)
    save_addition(model, "kayak", fitted, parents=(), size=32, examples=none, counterexamples=none)
    return model


class TestIndex:
    INDEXES = {"beach": 1, "dog": 2}  # noqa: RUF012

    @pytest.mark.parametrize(("word", "index"), [("beach", 1), ("Beach ", 1), ("puppy", 2)])
    def test_a_tag_is_found_by_its_name_in_any_case_and_by_its_synonyms(self, model, word, index):
        assert index_of(word, self.INDEXES, model.manifest) == index

    def test_another_word_is_an_error_with_the_nearest_tag(self, model):
        with pytest.raises(UnknownTagError, match=r'model "tiny": no tag "beech"\. Did you mean "beach"\?'):
            index_of("beech", self.INDEXES, model.manifest)


class TestFreeNames:
    def test_a_new_name_is_free(self, model):
        check_name(model, "kayak")

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("dog", '"dog" exists already'),
            ("puppy", 'is another name of "dog"'),
            ("", "1 to 60 characters"),
            ("z" * 61, "1 to 60 characters"),
            ("a\nb", "1 to 60 characters"),
        ],
    )
    def test_a_name_that_is_taken_or_none_is_refused(self, model, name, problem):
        with pytest.raises(NewTagError, match=problem):
            check_name(model, name)

    def test_so_is_that_of_an_added_tag(self, with_kayak):
        with pytest.raises(NewTagError, match='"kayak" exists already'):
            check_name(with_kayak, "kayak")


class TestAncestors:
    def test_a_parent_brings_its_own_parents_in_the_models_order(self, model):
        assert ancestors(model, "poodle", ["puppy"]) == ("animal", "dog")

    def test_without_parents_there_are_none(self, model):
        assert ancestors(model, "poodle", []) == ()

    def test_an_added_tag_is_no_parent(self, with_kayak):
        with pytest.raises(NewTagError, match='"kayak" was added itself'):
            ancestors(with_kayak, "sea kayak", ["kayak"])

    def test_an_unknown_parent_is_an_error(self, model):
        with pytest.raises(UnknownTagError, match='no tag "cat"'):
            ancestors(model, "kitten", ["cat"])

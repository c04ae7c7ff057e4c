"""The frozen values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vectortag.core.types import Heatmap, Tagging, TagScore

BEACH, BOAT = TagScore("beach", 0.9, 0.5), TagScore("boat", 0.2, None)
TAGGING = Tagging("a.jpg", "tiny@12345678", "openvino", "f32", 224, tags=(BEACH,), scores=(BEACH, BOAT))


def heatmap(values: list[list[float]]) -> Heatmap:
    return Heatmap(np.float32(values), tag="animal", source="dog", score=0.7)


def test_a_tagging_gives_the_score_of_a_tag_by_name_even_below_its_threshold():
    assert TAGGING["boat"] is BOAT


def test_a_tagging_has_no_score_for_a_tag_that_its_model_lacks():
    with pytest.raises(KeyError, match="beech"):
        TAGGING["beech"]


def scored(**scores: float) -> tuple[TagScore, ...]:
    return tuple(TagScore(tag, score, 0.5) for tag, score in scores.items())


def test_parents_below_their_threshold_are_implied():
    tagging = replace(TAGGING, tags=(*scored(poodle=0.9, dog=0.5, animal=0.2), TagScore("pet", 0.9, None)))

    assert tagging.implied == ("animal", "pet")


def test_one_threshold_for_all_tags_shows_parents_with_their_children_too():
    scores = scored(sea=0.6, pet=0.3, animal=0.8, poodle=0.8)
    tagging = replace(TAGGING, scores=scores, ancestors={"poodle": ("animal", "pet")})

    assert [one.tag for one in tagging.select(threshold=0.7)] == ["animal", "poodle", "pet"]
    assert [one.tag for one in tagging.select(threshold=0.6, top_k=3)] == ["animal", "poodle", "sea"]


@pytest.mark.parametrize(("value", "name"), [(BEACH, "score"), (TAGGING, "tags"), (heatmap([[0]]), "values")])
def test_values_cannot_be_changed(value, name):
    with pytest.raises(AttributeError):
        setattr(value, name, "other")


def test_a_heatmap_is_empty_only_where_every_cell_is_zero():
    assert heatmap([[0, 0], [0, 0]]).is_empty
    assert not heatmap([[0, 0], [0, 1e-6]]).is_empty


def test_a_heatmap_is_an_array_to_numpy():
    values = [[0.0, 0.25], [0.5, 1.0]]

    np.testing.assert_array_equal(np.asarray(heatmap(values)), np.float32(values))
    assert np.asarray(heatmap(values)).dtype == np.float32
    assert np.asarray(heatmap(values), np.float64).dtype == np.float64


def test_a_copy_of_a_heatmap_does_not_share_its_memory():
    original = heatmap([[0.0, 1.0]])

    np.array(original)[:] = 0.5

    np.testing.assert_array_equal(original.values, np.float32([[0, 1]]))

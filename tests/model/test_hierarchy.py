"""A model's own tags: no parent below its child or hidden beside it, and its map from the child that spoke loudest."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vectortag.model.hierarchy import Hierarchy
from vectortag.model.taxonomy import Taxonomy

TAGS = ("animal", "sea", "dog", "poodle", "cat")
HIERARCHY = Hierarchy.of(TAGS, Taxonomy(implications={"poodle": ["dog"], "dog": ["animal"], "cat": ["animal"]}))

scores_of_five_tags = arrays.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32))


@st.composite
def hierarchies(draw) -> Hierarchy:
    """Any hierarchy of five tags: each may imply some of those before it."""
    implications = {tag: draw(st.sets(st.sampled_from(TAGS[:place]))) for place, tag in enumerate(TAGS) if place}
    order = draw(st.permutations(TAGS))
    return Hierarchy.of(order, Taxonomy(implications={tag: tuple(above) for tag, above in implications.items()}))


def test_a_parent_knows_its_descendants_of_all_generations():
    assert HIERARCHY.descendants == {0: (2, 3, 4), 2: (3,)}


def test_a_tag_knows_its_ancestors_of_all_generations():
    assert [HIERARCHY.above(place) for place in range(5)] == [[], [], [0], [0, 2], [0]]


def test_a_generation_that_the_model_lacks_does_not_break_the_line():
    taxonomy = Taxonomy(implications={"poodle": ["dog"], "dog": ["animal"]})

    assert Hierarchy.of(["poodle", "animal"], taxonomy).descendants == {1: (0,)}


def test_a_parent_is_raised_to_its_best_descendant():
    scores = np.float32([[0.1, 0.2, 0.3, 0.9, 0.5], [0.8, 0.2, 0.3, 0.1, 0.5]])

    raised = HIERARCHY.raise_parents(scores)

    np.testing.assert_array_equal(raised, np.float32([[0.9, 0.2, 0.9, 0.9, 0.5], [0.8, 0.2, 0.3, 0.1, 0.5]]))


def test_raising_leaves_the_scores_it_was_given_alone():
    scores = np.float32([[0.1, 0.2, 0.3, 0.9, 0.5]])

    HIERARCHY.raise_parents(scores)

    np.testing.assert_array_equal(scores, np.float32([[0.1, 0.2, 0.3, 0.9, 0.5]]))


@settings(deadline=None)
@given(hierarchy=hierarchies(), scores=scores_of_five_tags)
def test_no_parent_is_below_its_descendants_and_no_score_falls(hierarchy, scores):
    raised = hierarchy.raise_parents(scores)

    assert (raised >= scores).all()
    for parent, below in hierarchy.descendants.items():
        assert (raised[:, [parent]] >= raised[:, below]).all()


@settings(deadline=None)
@given(hierarchy=hierarchies(), scores=scores_of_five_tags)
def test_a_tag_has_the_own_score_of_its_source(hierarchy, scores):
    raised = hierarchy.raise_parents(scores)

    for photo in range(3):
        for place in range(5):
            assert raised[photo, place] == scores[photo, hierarchy.sources(scores[photo])[place]]


def test_whoever_shows_a_child_shows_its_ancestors():
    scores = np.float32([[0.6, 0.2, 0.6, 0.6, 0.5], [0.6, 0.9, 0.3, 0.1, 0.3]])
    thresholds = np.float32([0.8, 0.5, 0.7, 0.6, 0.6])

    assert [[TAGS[place] for place in np.flatnonzero(row)] for row in HIERARCHY.shown(scores, thresholds)] == [
        ["animal", "dog", "poodle"],
        ["sea"],
    ]


def test_a_tag_without_a_threshold_is_shown_with_its_child_alone():
    scores = np.float32([[0.9, 0.1, 0.9, 0.1, 0.9], [0.9, 0.1, 0.9, 0.1, 0.1]])
    thresholds = np.float32([np.nan, 0.5, np.nan, 0.5, 0.5])

    assert HIERARCHY.shown(scores, thresholds).tolist() == [[True, False, False, False, True], [False] * 5]


@settings(deadline=None)
@given(
    draws=st.data(),
    scores=scores_of_five_tags,
    thresholds=arrays.arrays(np.float32, 5, elements=st.floats(0, 1, width=32)),
)
def test_what_is_shown_is_what_reaches_its_threshold_expanded_by_the_taxonomy(draws, scores, thresholds):
    implications = {tag: draws.draw(st.sets(st.sampled_from(TAGS[:place]))) for place, tag in enumerate(TAGS) if place}
    taxonomy = Taxonomy(implications={tag: tuple(above) for tag, above in implications.items()})

    shown = Hierarchy.of(TAGS, taxonomy).shown(scores, thresholds)

    for row, of_photo in zip(shown, scores, strict=True):
        reached = {tag for tag, score, least in zip(TAGS, of_photo, thresholds, strict=True) if score >= least}
        assert {TAGS[place] for place in np.flatnonzero(row)} == taxonomy.expand(reached)


def test_further_tags_stand_below_the_tags_that_they_imply():
    wider = HIERARCHY.with_children({5: [0, 2], 6: [1]})

    assert wider.descendants == {0: (2, 3, 4, 5), 1: (6,), 2: (3, 5)}
    assert HIERARCHY.descendants == {0: (2, 3, 4), 2: (3,)}


def test_the_source_of_a_parent_is_the_child_with_the_highest_score():
    own_scores = np.float32([0.1, 0.99, 0.3, 0.6, 0.5])

    assert [TAGS[HIERARCHY.sources(own_scores)[place]] for place in range(5)] == [
        "poodle", "sea", "poodle", "poodle", "cat",
    ]  # fmt: skip


def test_a_parent_that_no_child_exceeds_is_its_own_source():
    assert HIERARCHY.sources(np.float32([0.6, 0.9, 0.6, 0.1, 0.6]))[0] == 0

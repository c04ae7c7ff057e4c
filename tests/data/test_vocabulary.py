"""Which tags are learned, and what a photo's silence about a tag means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import DataError
from vectortag.core.types import UNKNOWN
from vectortag.data import vocabulary
from vectortag.data.records import Record
from vectortag.data.vocabulary import (
    build_targets,
    choose_vocabulary,
    count_tags,
    known_tags,
    record_tags,
    unnamed_tags,
)
from vectortag.model.taxonomy import Taxonomy

ANIMALS = Taxonomy(
    synonyms={"dog": ["puppy"]},
    implications={"dog": ["animal"], "cat": ["animal"], "poodle": ["dog"]},
    complete={"complete": ["animal"]},
)
PLAIN = Taxonomy()


def records(*tags: str, dataset: str = "photos") -> list[Record]:
    """One record for each string of words."""
    return [Record(Path(f"{row}.jpg"), tuple(words.split()), row, None, dataset) for row, words in enumerate(tags)]


def test_a_record_has_the_tags_that_the_taxonomy_makes_of_its_words():
    (record,) = records("puppy sea")

    assert record_tags(record, ANIMALS) == {"dog", "animal", "sea"}


def test_a_data_sets_own_rules_apply_to_its_records_only():
    taxonomy = Taxonomy(dataset={"corel": {"ignored": ["plane"]}})

    assert record_tags(records("plane", dataset="corel")[0], taxonomy) == set()
    assert record_tags(records("plane", dataset="other")[0], taxonomy) == {"plane"}


def test_a_tag_is_counted_once_a_photo():
    assert count_tags(records("puppy dog", "cat"), ANIMALS) == {"dog": 1, "cat": 1, "animal": 2}


def test_a_vocabulary_is_in_alphabetical_order():
    assert choose_vocabulary(records("sea", "dog", "cat"), PLAIN) == ("cat", "dog", "sea")


def test_the_most_frequent_tags_are_chosen_from_the_records_given_and_no_others():
    training, validation = records("sea dog", "sea dog", "cat"), records("cat", "cat", "cat")

    assert choose_vocabulary(training, PLAIN, top_k=2) == ("dog", "sea")
    assert choose_vocabulary(training + validation, PLAIN, top_k=1) == ("cat",)


def test_ties_go_to_the_alphabetically_first():
    assert choose_vocabulary(records("sea dog cat", "sea"), PLAIN, top_k=2) == ("cat", "sea")


def test_tags_with_too_few_photos_are_left_out():
    assert choose_vocabulary(records("sea dog", "sea", "dog", "cat"), PLAIN, min_photos=2) == ("dog", "sea")


def test_parents_count_among_the_most_frequent():
    assert choose_vocabulary(records("dog", "cat"), ANIMALS, top_k=1) == ("animal",)


def test_an_empty_vocabulary_is_an_error_that_says_how_far_off_it_was():
    with pytest.raises(DataError, match="no tag has 5 photos; the most frequent has 2"):
        choose_vocabulary(records("sea", "sea dog"), PLAIN, min_photos=5)


def test_no_records_have_no_vocabulary():
    with pytest.raises(DataError, match="the most frequent has 0"):
        choose_vocabulary([], PLAIN)


def test_a_set_knows_the_absence_of_the_tags_it_names():
    assert known_tags(records("sea", "puppy"), ("boat", "dog", "sea"), ANIMALS, "photos") == ("dog", "sea")


def test_a_parent_that_a_set_only_implies_is_unknown_to_it():
    assert known_tags(records("dog", "sea"), ("animal", "dog", "sea"), ANIMALS, "photos") == ("dog", "sea")


def test_a_parent_that_a_set_names_beside_its_children_is_unknown_to_it():
    assert known_tags(records("dog", "animal"), ("animal", "dog"), ANIMALS, "photos") == ("dog",)


def test_a_parent_whose_children_another_set_names_is_known_to_the_set_that_uses_it_alone():
    assert known_tags(records("animal", "sea"), ("animal", "dog", "sea"), ANIMALS, "photos") == ("animal", "sea")


def test_a_parent_that_the_taxonomy_calls_complete_is_known_to_that_set():
    assert known_tags(records("dog"), ("animal", "dog"), ANIMALS, "complete") == ("animal", "dog")


def test_a_set_that_states_what_it_knows_knows_no_other_word_that_it_names():
    tags = ("cat", "dog", "sea")

    assert known_tags(records("dog", "sea", "cat"), tags, ANIMALS, "photos", stated=["puppy", "boat"]) == ("dog",)


def test_what_the_taxonomy_calls_complete_is_known_beside_what_a_set_states():
    assert known_tags(records("dog"), ("animal", "sea"), ANIMALS, "complete", stated=["sea"]) == ("animal", "sea")


def test_a_tag_that_nobody_named_is_probably_absent_but_not_below_one_that_was():
    photos, tags = records("dog", "sea"), ("cat", "dog", "poodle", "sea")
    targets = build_targets(photos, tags, ANIMALS, known=("cat",))

    unnamed = unnamed_tags(photos, tags, ANIMALS, targets)

    assert unnamed.tolist() == [[False, False, False, True], [False, True, True, False]]


def test_known_tags_come_in_the_order_of_the_vocabulary():
    assert known_tags(records("cat sea"), ("sea", "cat"), ANIMALS, "photos") == ("sea", "cat")


def test_targets_are_there_absent_or_unknown():
    targets = build_targets(records("sea", "dog"), ("boat", "dog", "sea"), PLAIN, known=("dog", "sea"))

    assert targets.dtype == np.uint8
    assert targets.tolist() == [[UNKNOWN, 0, 1], [UNKNOWN, 1, 0]]


def test_a_child_makes_its_parents_positive_though_their_absence_is_unknown():
    targets = build_targets(records("poodle", "sea"), ("animal", "dog", "poodle"), ANIMALS, known=("poodle",))

    assert targets.tolist() == [[1, 1, 1], [UNKNOWN, UNKNOWN, 0]]


def test_where_a_known_parent_is_absent_all_its_descendants_are_absent():
    targets = build_targets(records("sea"), ("animal", "cat", "dog", "poodle", "tree"), ANIMALS, known=("animal",))

    assert targets.tolist() == [[0, 0, 0, 0, UNKNOWN]]


def test_where_a_known_parent_is_there_its_children_stay_unknown():
    targets = build_targets(records("animal"), ("animal", "dog"), ANIMALS, known=("animal",))

    assert targets.tolist() == [[1, UNKNOWN]]


def test_a_tag_that_is_there_is_never_overruled_by_another_that_is_absent():
    targets = build_targets(records("dog"), ("animal", "cat", "dog", "poodle"), ANIMALS, known=("animal", "cat"))

    assert targets.tolist() == [[1, 0, 1, UNKNOWN]]


def test_known_tags_outside_the_vocabulary_change_nothing():
    targets = build_targets(records("sea"), ("dog",), ANIMALS, known=("animal", "boat"))

    assert targets.tolist() == [[UNKNOWN]]


def test_no_records_have_no_targets():
    assert build_targets([], ("dog", "sea"), PLAIN, known=("dog",)).shape == (0, 2)


def test_words_that_no_model_can_have_are_left_out(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vocabulary, "MOST_TAGS", 2)

    assert choose_vocabulary(records("sea dog " + "x" * 201, "sea dog", "cat"), PLAIN) == ("dog", "sea")
    assert "left out: 1 words of more than 200 characters" in caplog.text
    assert "left out: all but the 2 most frequent of 3 tags" in caplog.text

"""What is guessed of a photo without tags."""

from __future__ import annotations

import numpy as np

from vectortag.inference.guesses import LIFT, LOWEST_GUESS, MOST_GUESSES, best_guesses
from vectortag.model.hierarchy import Hierarchy

ANY = np.ones(5, bool)
NEVER = np.zeros(5, np.float32)
FLAT = Hierarchy({})


def test_the_highest_scores_are_guessed_best_first_and_no_more_than_the_most():
    guesses = best_guesses(np.float32([0.4, 0.7, 0.5, 0.6, 0.8]), NEVER, ANY, FLAT)

    assert guesses == [4, 1, 3]
    assert len(guesses) == MOST_GUESSES


def test_a_low_score_is_no_guess():
    scores = np.float32([LOWEST_GUESS, np.nextafter(np.float32(LOWEST_GUESS), np.float32(0)), 0.1, 0, 0])

    assert best_guesses(scores, NEVER, ANY, FLAT) == [0]


def test_a_score_that_is_usual_is_no_guess():
    usual = np.float32([0.4, 0.2, 0.5, 0.2, 0.2])
    scores = np.float32([0.7, LIFT * 0.2, 0.99, 0.39, 0.5])

    assert best_guesses(scores, usual, ANY, FLAT) == [4, 1]


def test_a_tag_that_may_not_be_guessed_is_not():
    assert best_guesses(np.float32([0.5, 0.6, 0, 0, 0]), NEVER, np.arange(5) != 1, FLAT) == [0]


def test_a_parent_is_guessed_for_a_score_of_its_own_alone():
    """0 is the parent of 1 and 2; in the second photo it has the score of 1."""
    family = Hierarchy({0: (1, 2)})

    assert best_guesses(np.float32([0.8, 0.6, 0.5, 0, 0]), NEVER, ANY, family) == [0, 1, 2]
    assert best_guesses(np.float32([0.6, 0.6, 0.5, 0, 0]), NEVER, ANY, family) == [1, 2]


def test_a_parent_is_guessed_where_its_child_may_not_be():
    family = Hierarchy({0: (1,)})

    assert best_guesses(np.float32([0.6, 0.6, 0, 0, 0]), NEVER, np.arange(5) != 1, family) == [0]


def test_nothing_is_guessed_of_a_photo_without_a_likely_tag():
    assert best_guesses(np.float32([0.1, 0.2, 0, 0, 0]), NEVER, ANY, FLAT) == []

"""Words that were held out are tried on photos of the set that they come from."""

from __future__ import annotations

import numpy as np

from vectortag.assembly.contrastive import Described, Tagged
from vectortag.assembly.learn_words import FEWEST_FOR_TRIAL, trials_of, try_unheard
from vectortag.assembly.word_material import Material
from vectortag.core.numerics import unit
from vectortag.model.words.similarity import no_classes

PHOTOS, WIDTH, TEXT_WIDTH, WORDS = 300, 12, 10, 4


def material(*sets: str, with_captions: frozenset[str] = frozenset()) -> Material:
    """Each set has `WORDS` words on photos of its own; a photo shows a word whose text lies near it."""
    random = np.random.default_rng(0)
    view = random.normal(0, 1, (TEXT_WIDTH, WIDTH))
    texts = {name: unit(random.normal(0, 1, (WORDS, TEXT_WIDTH)).astype(np.float32)) for name in sets}
    meaning = unit(random.normal(0, 1, (PHOTOS * len(sets), TEXT_WIDTH)).astype(np.float32))
    tagged, lists = {}, {}
    for index, name in enumerate(sets):
        rows = np.arange(index * PHOTOS, (index + 1) * PHOTOS)
        tagged[name] = Tagged(rows, texts[name], meaning[rows] @ texts[name].T > 0.3)
        lists[name] = Described(rows, meaning[rows][:, None])
    return Material(
        (meaning @ view).astype(np.float32),
        no_classes(WIDTH),
        np.zeros((0, TEXT_WIDTH), np.float32),
        (),
        lists,
        tagged,
        {name: tuple(f"{name} {number}" for number in range(WORDS)) for name in sets},
        with_captions,
    )


def test_words_of_each_set_are_tried_by_what_the_others_taught():
    made = material("one", "two")

    trials = try_unheard(made)

    assert [len(trial.shown) for trial in trials] == [PHOTOS] * 2 * WORDS
    np.testing.assert_array_equal(trials[0].shown, made.tagged["one"].has[:, 0])
    np.testing.assert_array_equal(trials[-1].shown, made.tagged["two"].has[:, -1])


def test_a_set_that_is_alone_cannot_be_held_out():
    assert try_unheard(material("one")) == []


def test_a_set_with_captions_is_not_held_out():
    made = material("one", "two", with_captions=frozenset({"one"}))

    assert [trial.shown.tolist() for trial in try_unheard(made)] == made.tagged["two"].has.T.tolist()


def test_a_word_that_few_photos_show_is_not_tried():
    made = material("one", "two")
    made.tagged["two"].has[:, 0] = np.arange(PHOTOS) < FEWEST_FOR_TRIAL - 1

    assert len(trials_of(made.learn(without="two", epochs=1), made, "two")) == WORDS - 1

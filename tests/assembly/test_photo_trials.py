"""Tags of one source, tried on photos of others."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.judged_photos import JudgedPhotos
from vectortag.assembly.photo_trials import attempts_of, bank_of, transfers_of, try_attempts
from vectortag.model.blocks import LinearBlock
from vectortag.model.head import Head
from vectortag.model.taxonomy import Taxonomy

TAGS = ("boat", "dog", "puppy", "sea")
A_SET, WIDTH = 1600, 8
BOAT, DOG, PUPPY, SEA = range(4)


@pytest.fixture
def photos() -> JudgedPhotos:
    """Four sets of a source each; the last does not know what is absent. The sea is in all of them."""
    random = np.random.default_rng(0)
    embeddings = np.abs(random.normal(1, 0.4, (4 * A_SET, WIDTH))).astype(np.float32)
    labels = np.zeros((4 * A_SET, len(TAGS)), np.uint8)
    sets = np.repeat(np.arange(4), A_SET)
    for tag, where in ((BOAT, (0, 1)), (DOG, (0, 2)), (PUPPY, (0,)), (SEA, (0, 1, 2, 3))):
        for one in where:
            share = 0.2 if tag == SEA else 0.05
            labels[np.flatnonzero(sets == one)[: round(share * A_SET)] + 200 * tag, tag] = 1
    embeddings[labels[:, BOAT] == 1, BOAT] += 2
    embeddings[labels[:, DOG] == 1, DOG] += 2
    return JudgedPhotos(
        TAGS, ("a", "b", "c", "d"), embeddings, labels, sets, np.arange(4), np.array([True, True, True, False])
    )


@pytest.fixture
def head() -> Head:
    random = np.random.default_rng(1)
    return Head((LinearBlock(random.normal(0, 1, (5, WIDTH)).astype(np.float32), np.zeros(5, np.float32)),))


TAXONOMY = Taxonomy(implications={"puppy": ["dog"]})


def test_tags_are_tried_that_several_sources_have_and_that_are_no_kinds_of_others(photos):
    transfers = transfers_of(photos, Taxonomy(), most=10)

    assert {TAGS[one.tag] for one in transfers} == {"boat", "dog"}
    assert transfers_of(photos, TAXONOMY, most=10) != []
    assert {TAGS[one.tag] for one in transfers_of(photos, TAXONOMY, most=10)} == {"boat"}


def test_examples_and_bank_are_of_one_side_and_judges_of_the_other(photos):
    transfers = transfers_of(photos, Taxonomy(), most=10)

    for attempt in attempts_of(photos, transfers, counts=(5,), draws=2):
        near = attempt.transfer.near[photos.sets]
        bank = bank_of(photos, attempt.transfer.near)
        assert (photos.sets[attempt.examples] == attempt.transfer.teacher).all()
        assert near[attempt.examples].all()
        assert near[bank].all()
        assert not near[attempt.judging].any()
        assert not set(attempt.examples) & set(bank)
        assert not (photos.sets[attempt.judging] == 3).any()
        assert (photos.labels[attempt.judging, attempt.transfer.tag] == attempt.has).all()


def test_what_stands_out_in_one_source_stands_out_in_the_other(photos, head):
    attempts = attempts_of(photos, transfers_of(photos, Taxonomy(), most=10), counts=(10,), draws=1)

    for trial in try_attempts(photos, attempts, head):
        higher = (trial.positives[:, None] > trial.negatives[None]).mean()
        assert higher > 0.9
        assert abs(trial.negatives.mean()) < 0.5  # in deviations of the bank


def test_what_a_name_says_is_added(photos, head):
    attempts = attempts_of(photos, transfers_of(photos, Taxonomy(), most=10), counts=(5,), draws=1)
    truth = {tag: 3 * (photos.labels[:, tag] == 1).astype(np.float32) for tag in (BOAT, DOG)}

    alone, named = try_attempts(photos, attempts, head), try_attempts(photos, attempts, head, said=truth.__getitem__)

    for without, with_name in zip(alone, named, strict=True):
        gaps = [one.positives.mean() - np.quantile(one.negatives, 0.99) for one in (without, with_name)]
        assert gaps[0] < gaps[1]


def test_a_draw_takes_as_many_photos_of_each_set_as_there_are(photos):
    drawn = photos.draw(400)

    assert np.bincount(photos.sets[drawn]).tolist() == [100] * 4
    only_two = photos.draw(100, among=photos.sets < 2)
    assert np.bincount(photos.sets[only_two]).tolist() == [50, 50]
    assert len(photos.draw(10**6)) == len(photos.sets)

"""The result for one photo, from its scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import PhotoError
from vectortag.core.types import StoredPhoto
from vectortag.inference.tagger import Tagger
from vectortag.inference.tagging import failed_tagging, tagging_of


@pytest.fixture
def tagger(tiny_model: Path) -> Tagger:
    return Tagger.load(tiny_model)


def decide(tagger: Tagger, **scores: float):
    """The tagging of a photo with these scores; all others are 0."""
    row = np.float32([scores.get(tag.replace(" ", "_"), 0.0) for tag in tagger.tags])
    return tagging_of(tagger.scorer, tagger.embedder, row, path="a.jpg", model="tiny@1")


def test_the_tags_are_those_from_their_threshold_on_best_first(tagger: Tagger):
    threshold = tagger.thresholds[tagger.place("dog")]

    shown = decide(tagger, dog=threshold, beach=0.99).tags

    assert [one.tag for one in shown if one.tag != "animal"] == ["beach", "dog"]


def test_a_parent_is_shown_with_its_child(tagger: Tagger):
    tagging = decide(tagger, dog=0.99)

    assert {one.tag for one in tagging.tags} == {"dog", "animal"}
    assert tagging.implied == ("animal",)


def test_where_a_tag_is_shown_nothing_is_guessed(tagger: Tagger):
    assert decide(tagger, dog=0.99).guesses == ()


def test_it_says_what_made_it(tagger: Tagger):
    tagging = decide(tagger)

    assert (tagging.path, tagging.model, tagging.size) == ("a.jpg", "tiny@1", tagger.embedder.size)
    assert tagging.runtime == tagger.embedder.session.runtime
    assert [one.tag for one in tagging.scores] == list(tagger.tags)


@pytest.mark.parametrize(
    ("photo", "name"),
    [("a.jpg", "a.jpg"), (Path("b.jpg"), "b.jpg"), (StoredPhoto("s3://c.jpg", b""), "s3://c.jpg"), (b"", "photo")],
)
def test_a_photo_that_failed_has_its_name(photo: str | Path | StoredPhoto | bytes, name: str):
    assert failed_tagging(photo, PhotoError("broken")).path == name

"""Photos found by their tags alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import UnknownTagError
from vectortag.inference.tagged_photos import photos_with
from vectortag.inference.tagger import Tagger


def test_the_surest_photos_come_first_and_the_others_are_left_out(tagger: Tagger, photos_12: list[Path]):
    scores = {photo: tagger.tag(photo)["dog"].score for photo in photos_12}
    dogs = [photo for photo in photos_12 if scores[photo] >= 0.5]
    assert 1 < len(dogs) < len(photos_12)

    found, count, failed = photos_with(tagger, photos_12, top=20, has=["puppy"])

    assert [one.photo for one in found] == sorted(dogs, key=lambda photo: -scores[photo])
    assert [one.similarity for one in found] == pytest.approx([scores[one.photo] for one in found], abs=1e-6)
    assert (count, failed) == (12, ())
    others, _, _ = photos_with(tagger, photos_12, top=20, has_not=["dog"])
    assert {one.photo for one in others} == set(photos_12) - set(dogs)
    assert {one.similarity for one in others} == {1.0}


def test_no_more_than_were_asked_for_and_unknown_tags_are_errors(tagger: Tagger, photos_12: list[Path]):
    assert len(photos_with(tagger, photos_12, top=2, has=["vehicle"])[0]) == 2
    assert photos_with(tagger, [], top=2, has=["vehicle"])[0] == []
    with pytest.raises(UnknownTagError):
        photos_with(tagger, photos_12, top=2, has=["unicorn"])

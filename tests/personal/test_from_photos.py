"""Tags from photos, alone and beside words, and what corrections teach them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import NewTagError, PhotoError
from vectortag.inference.refresh import forget, refresh
from vectortag.inference.tagger import Tagger
from vectortag.personal.from_photos import fit_examples


@pytest.fixture
def tagger(worded_tagger: Tagger) -> Tagger:
    return worded_tagger


@pytest.fixture
def photos(photos_12: list[Path]) -> list[Path]:
    return photos_12


def scores(tagger: Tagger, photos: Sequence[Path]) -> np.ndarray:
    return np.stack([[one.score for one in tagging.scores] for tagging in tagger.tag_many(photos)])


class TestRefining:
    def test_photos_refine_a_tag_from_words(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)[:, -1]

        added = tagger.add_tag("zebra", photos[:4])

        assert (added.examples, added.words) == (4, "zebra")
        assert not np.array_equal(scores(tagger, photos)[:, -1], before)

    def test_it_is_what_words_and_photos_make_together(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        tagger.add_tag("zebra", photos[:4])
        one_by_one = scores(tagger, photos)
        tagger.remove_tag("zebra")

        tagger.add_tag("zebra", photos[:4], words=True)

        np.testing.assert_array_equal(scores(tagger, photos), one_by_one)

    def test_a_tag_with_photos_is_not_replaced(self, tagger, photos):
        tagger.add_tag("zebra", photos[:4], words=True)

        with pytest.raises(NewTagError, match="exists already"):
            tagger.add_tag("zebra", photos[4:8])

    def test_corrections_teach_it_and_can_be_taken_back(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)
        for photo in photos[:4]:
            tagger.correct(photo, yes=["zebra"])

        refresh(tagger)
        after = scores(tagger, photos)
        forget(tagger)

        assert not np.array_equal(after[:, -1], before[:, -1])
        np.testing.assert_array_equal(after[:, :-1], before[:, :-1])
        np.testing.assert_array_equal(scores(tagger, photos), before)

    def test_one_corrected_photo_is_too_few(self, tagger, photos, caplog):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)
        tagger.correct(photos[0], yes=["zebra"])

        refresh(tagger)

        assert "it learns once 3 photos show it" in caplog.text
        np.testing.assert_array_equal(scores(tagger, photos), before)


class TestPhotos:
    def test_copies_of_a_photo_count_once(self, tagger, photos):
        with pytest.raises(NewTagError, match="at least 3 different example photos, got 2"):
            tagger.add_tag("zebra", [photos[0], photos[1], photos[0]])

    def test_a_photo_cannot_have_the_tag_and_not_have_it(self, tagger, photos):
        with pytest.raises(NewTagError, match=r"3\.png: given both as having the tag and as not having it"):
            tagger.add_tag("zebra", photos[:4], negatives=photos[3:5])

    def test_a_photo_that_is_not_there_is_an_error(self, tagger, photos, tmp_path):
        with pytest.raises(PhotoError, match=r"gone\.png: cannot be read"):
            tagger.add_tag("zebra", [*photos[:3], tmp_path / "gone.png"])

    def test_a_model_without_a_background_takes_no_new_tags(self, write_tiny_model, tmp_path):
        folder = write_tiny_model(tmp_path / "bare", background=None)

        with pytest.raises(NewTagError, match="no background photos"):
            fit_examples(folder, np.ones((3, 2, 8), np.float32), np.empty((0, 2, 8), np.float32), None)

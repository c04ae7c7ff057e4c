"""What is read of the names of tags before they are tried."""

from __future__ import annotations

import numpy as np

from vectortag.assembly.judged_photos import JudgedPhotos
from vectortag.assembly.measure_trust import read_names
from vectortag.model.words.word_vectors import word_bank


def test_the_names_of_shown_tags_that_are_common_nouns_are_read():
    tags = ("dog", "boat", "qwxyz")
    labels = np.uint8([[1, 0, 1], [0, 0, 0]])  # no photo shows a boat
    photos = JudgedPhotos(
        tags, ("a",), np.zeros((2, 4), np.float32), labels, np.zeros(2, np.intp), np.arange(1), np.array([True])
    )

    found = read_names(photos, None)

    assert list(found) == [0]
    assert np.array_equal(found[0], word_bank().vector("dog"))

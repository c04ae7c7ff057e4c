"""words.safetensors: what is packed comes back, within the precision that it is stored in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from model_parts import D, K, some_words

from vectortag.core.numerics import unit
from vectortag.model.calibration import Calibration
from vectortag.model.folder import read_model_folder
from vectortag.model.words.similarity import Evidence, no_classes
from vectortag.model.words.storage import pack_words, to_bytes, unpack_words

EVIDENCE = Evidence(
    np.float32([0.5, 0.9]),
    Calibration(
        np.float32([0.7, 1.1]),
        np.float32([-3, -2]),
        {
            "precise": np.float32([0.5, 0.6]),
            "balanced": np.float32([0.45, 0.5]),
            "thorough": np.float32([0.1, 0.2]),
        },
    ),
    *(np.float32(pair) for pair in ([0.8, 0.9], [0.2, 0.4], [30, 31])),
)


class TestStoring:
    def test_what_is_unpacked_is_what_was_packed(self):
        words = replace(some_words(), evidence=EVIDENCE)

        found = unpack_words(pack_words(words), words.classifier)

        assert found.known == words.known
        error = np.abs(found.projection - words.projection).max(axis=1)
        assert (error <= 0.501 / 127 * np.abs(words.projection).max(axis=1)).all()
        np.testing.assert_allclose(found.known_texts, words.known_texts, atol=0.01)
        for group in range(len(words.evidence.words)):
            assert found.evidence.calibration.one(group) == words.evidence.calibration.one(group)

    def test_a_projection_in_fp16_is_read_as_it_is(self):
        words = some_words()
        arrays = pack_words(words)
        del arrays["projection_steps"]

        found = unpack_words({**arrays, "projection": words.projection.astype(np.float16)}, words.classifier)

        np.testing.assert_allclose(found.projection, words.projection, rtol=1e-3, atol=1e-6)

    def test_without_evidence_and_known_words_too(self):
        words = replace(some_words(), known=(), known_texts=np.empty((0, D), np.float32))

        found = unpack_words(pack_words(words), words.classifier)

        assert (found.known, found.evidence) == ((), None)

    def test_the_words_of_another_classifier_are_refused(self):
        with pytest.raises(ValueError, match="texts of 5 classes"):
            unpack_words(pack_words(some_words()), no_classes(K))

    def test_a_row_in_bytes_points_where_it_pointed(self):
        rows = unit(np.random.default_rng(0).normal(0, 1, (20, 384)))

        cosines = (unit(to_bytes(rows)) * rows).sum(axis=1)

        assert cosines.min() > 0.999


def test_a_model_folder_gives_back_what_it_was_taught(worded):
    words = read_model_folder(worded.path).words

    assert words.known == ("dog", "boat", "sea", "horse")
    assert words.classifier.names == ("zebra", "tractor", "violin", "sofa")


def test_a_model_folder_without_the_file_knows_no_words(tiny_model):
    assert read_model_folder(tiny_model).words is None

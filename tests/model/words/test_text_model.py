"""The text model, where it is installed: each text has the vector that it would have alone."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from vectortag.core.errors import ModelFolderError, WordsError
from vectortag.model.words import text_model
from vectortag.model.words.text_model import TextModel


@pytest.fixture
def model(need) -> TextModel:
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    return TextModel()


class TestTextModel:
    def test_texts_read_together_are_read_as_alone(self, model):
        texts = ["a cat", "two dogs in the snow", "a dog", "the sea"]

        together = model.embed(texts)

        for text, vector in zip(texts, together, strict=True):
            np.testing.assert_allclose(model.embed([text])[0], vector, atol=1e-5)

    def test_a_paraphrase_is_nearer_than_something_else(self, model):
        cat, same, other = model.embed(["a cat sleeps on a couch", "a kitten naps on the sofa", "a red racing car"])

        assert cat @ same > 0.6 > cat @ other

    def test_a_changed_file_is_refused(self, model, monkeypatch):
        monkeypatch.setattr(text_model, "SHA256", "0" * 64)

        with pytest.raises(ModelFolderError, match="not the text model that VectorTag was made with"):
            TextModel()

    def test_a_text_that_is_too_long_is_refused(self, model):
        with pytest.raises(WordsError, match="the text is too long"):
            model.embed(["a cat", "very " * 200 + "long"])

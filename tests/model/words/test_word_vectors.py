"""Vectors of words and sentences: from the bank of nouns, or from the text model where it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import MissingExtraError, WordsError
from vectortag.model.words import text_model, word_vectors
from vectortag.model.words.text_model import TextModel
from vectortag.model.words.word_vectors import (
    check_text,
    read_words,
    sentence_vector,
    singulars,
    word_bank,
    word_vector,
)


@pytest.fixture
def model(need) -> TextModel:
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    return TextModel()


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra `words` were not installed."""
    monkeypatch.setattr(text_model, "PACKAGE", "vectortag_no_such_package")
    word_vectors.text_model.cache_clear()


class TestBank:
    def test_it_holds_20000_words_in_order(self):
        assert len(word_bank().names) == 20_000
        assert word_bank().names == sorted(set(word_bank().names))

    def test_vectors_have_length_1_and_mean_what_the_words_mean(self):
        vectors = {name: word_bank().vector(name) for name in ("zebra", "horse", "sofa", "couch")}

        assert all(np.linalg.norm(one) == pytest.approx(1, abs=1e-5) for one in vectors.values())
        assert vectors["zebra"] @ vectors["horse"] > vectors["zebra"] @ vectors["sofa"]
        assert vectors["couch"] @ vectors["sofa"] > vectors["couch"] @ vectors["horse"]

    def test_a_plural_is_its_singular_where_it_is_no_word_of_its_own(self):
        assert "aardvarks" not in word_bank().names
        np.testing.assert_array_equal(word_bank().vector("aardvarks"), word_bank().vector("aardvark"))
        assert singulars("glass") == ["glass"]

    def test_a_rare_word_is_not_in_it(self):
        assert word_bank().vector("xylotomist") is None

    def test_its_vectors_are_those_of_the_text_model(self, model):
        names = word_bank().names[::500]

        cosines = (np.stack([word_bank().vector(name) for name in names]) * read_words(model, names)).sum(axis=1)

        assert cosines.min() > 0.985


class TestWithoutTheExtra:
    def test_common_nouns_are_read(self, no_extra):
        assert word_vector("Zebra").shape == (384,)
        assert sentence_vector("zebras").shape == (384,)

    def test_a_sentence_asks_for_the_extra(self, no_extra):
        with pytest.raises(MissingExtraError, match=r"pip install 'vectortag\[words\]'"):
            sentence_vector("a cat asleep on a sofa")

    def test_a_misspelt_noun_gets_a_hint(self, no_extra):
        with pytest.raises(MissingExtraError, match='Did you mean "zebra"'):
            word_vector("zebbra")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  ", "no words were given"),
        ("斑马", "only English"),
        ("зебра", "only English"),
        ("💛", "only English"),
        ("123", "only English"),
        ("very " * 200 + "long", "too long"),
    ],
)
def test_what_cannot_be_read_is_said(text, problem):
    with pytest.raises(WordsError, match=problem):
        check_text(text)


def test_the_origin_of_the_words_stands_beside_them():
    folder = Path(str(importlib.resources.files("vectortag"))) / "model/words/text"

    text = (folder / "LICENSES.md").read_text("utf-8")

    assert all(name.name in text for name in folder.iterdir() if name.name != "LICENSES.md")

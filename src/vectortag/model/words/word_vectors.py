"""A word's vector: from the shipped bank of common nouns, else from the text model."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from vectortag.core.errors import MissingExtraError, WordsError, did_you_mean
from vectortag.core.folders import PACKAGE
from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray
from vectortag.model.words.similarity import prompts_of
from vectortag.model.words.text_model import MOST_PIECES, TextModel, is_installed
from vectortag.model.words.tokenizer import is_known, word_pieces

BANK = "bank.safetensors"


@functools.cache
def text_model() -> TextModel:
    """The text model, loaded once.

    Raises:
        MissingExtraError, ModelFolderError: as `TextModel`.
    """
    return TextModel()


def read_words(model: TextModel, words: Sequence[str]) -> FloatArray:
    """The vectors of words, (n, D) of length 1: the direction of the sum of the prompt's vector and the word's."""
    both = model.embed([text for pair in zip(prompts_of(words), words, strict=True) for text in pair])
    return unit(both[0::2] + both[1::2])


class WordBank:
    """About 20,000 common nouns and their vectors, which need no text model.

    A vector is kept in 4 bits a number, each number on the scale of its own spread over all words.
    """

    def __init__(self) -> None:
        from safetensors.numpy import load_file

        arrays = load_file(PACKAGE / "model" / "words" / "text" / BANK)
        self.names = arrays["names"].tobytes().decode().split("\n")
        self._places = {name: index for index, name in enumerate(self.names)}
        self._halves = arrays["halves"]  # (n, D / 2) uint8, two numbers each
        self._step, self._middle = arrays["step"].astype(np.float32), arrays["middle"].astype(np.float32)

    def vector(self, name: str) -> FloatArray | None:
        """The (D,) vector of a noun or of its plural; None if it is not in the bank."""
        index = next((self._places[one] for one in singulars(name) if one in self._places), None)
        if index is None:
            return None
        halves = self._halves[index]
        levels = np.stack([halves >> 4, halves & 15], axis=1).ravel().astype(np.float32)
        return unit((levels - 7.5) * self._step + self._middle)


@functools.cache
def word_bank() -> WordBank:
    """The bank, loaded once."""
    return WordBank()


def singulars(name: str) -> list[str]:
    """A word and what it may be the plural of.

    >>> singulars("ponies")
    ['ponies', 'ponie', 'pony']
    """
    found = [name]
    if name.endswith("s") and not name.endswith("ss") and len(name) > 3:
        found.append(name[:-1])
    if name.endswith("ies"):
        found.append(f"{name[:-3]}y")
    elif name.endswith(("ches", "shes", "sses", "xes", "zes")):
        found.append(name[:-2])
    return found


def word_vector(name: str, description: str | None = None) -> FloatArray:
    """The vector (D,) of a tag's name, or of the name and what it means.

    Raises:
        MissingExtraError: it is not in the bank, or described, and the text model is not installed.
        WordsError: it is empty, too long, or not English.
    """
    check_text(name if description is None else f"{name}, {description}")
    if description is None and (found := word_bank().vector(name.lower())) is not None:
        return found
    return read_words(_needed(name), [name if description is None else f"{name}, {description}"])[0]


def sentence_vector(sentence: str) -> FloatArray:
    """The vector (D,) of a sentence; of a single common noun, that of the word.

    Raises:
        MissingExtraError, WordsError: as `word_vector`.
    """
    check_text(sentence)
    if (found := word_bank().vector(sentence.strip().lower())) is not None:
        return found
    return _needed(sentence).embed([sentence])[0]


def check_text(text: str) -> None:
    """Refuse what the text model cannot read.

    Raises:
        WordsError: the text is empty, too long, or in another alphabet.
    """
    if not text.strip():
        raise WordsError('no words were given. Name a thing, such as "zebra"')
    count = len(word_pieces(text))
    if count > MOST_PIECES:
        raise WordsError(f"the text is too long: {count} pieces of words, at most {MOST_PIECES} are read. Shorten it")
    if not is_known(text) or not any(char.isalpha() and char.isascii() for char in text):
        raise WordsError(f'"{text}": only English words can be read. Say it in English, or show photos of it')


def _needed(text: str) -> TextModel:
    if not is_installed():
        hint = did_you_mean(text, word_bank().names)
        raise MissingExtraError(
            f'"{text}" is not among the {len(word_bank().names):,} words that are read without it.{hint} To read it',
            "the text model",
            "words",
        )
    return text_model()

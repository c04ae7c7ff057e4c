"""The text side of an image-text encoder: a text as numbered pieces, by its tokenizer.json, and the embedding of it."""

from __future__ import annotations

import functools
import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vectortag.core.errors import MissingExtraError, ModelFolderError, WordsError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.types import FloatArray
from vectortag.runtime.encoder_session import TextEncoderSession

MOST_CHARACTERS = 2_000
"""Of a text; a thousand pieces do not hold more."""
REMEMBERED = 256
"""Texts whose embeddings are kept."""
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class TextSettings:
    """Attributes:

    pieces: of a text as the network reads it; a shorter one is filled up.
    pad: the piece that fills up.
    plain: whether texts are read in lower case and without punctuation.
    most_bytes: of tokenizer.json.
    """

    pieces: int
    pad: str
    plain: bool
    most_bytes: int


class EncoderTexts:
    """The text side, ready.

    Raises:
        MissingExtraError: the package tokenizers, or the runtime, is not installed.
        ModelFolderError: a file is refused, or cannot be loaded.
    """

    def __init__(self, network: Path, tokenizer: Path, settings: TextSettings) -> None:
        self._settings = settings
        self._tokenizer = _load_tokenizer(tokenizer, settings)
        self._session = TextEncoderSession(network)
        self._embedded = functools.lru_cache(REMEMBERED)(self._embed)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, D), each of length 1.

        Raises:
            WordsError: a text is empty or too long.
            ModelFolderError: the network cannot be run.
        """
        return np.stack([self._embedded(text) for text in texts])

    def _embed(self, text: str) -> FloatArray:
        return self._session.embed(*self.pieces(text))

    def pieces(self, text: str) -> tuple[list[int], list[int]]:
        """The numbers of a text's pieces, filled up, and the mask that is 0 where they are.

        Raises:
            WordsError: it is empty or too long.
        """
        cleaned = " ".join(text.split())
        if self._settings.plain:
            cleaned = " ".join(cleaned.translate(_NO_PUNCTUATION).lower().split())
        if not cleaned:
            raise WordsError("no words were given. Say what to find")
        most = self._settings.pieces
        encoded = self._tokenizer.encode(cleaned[:MOST_CHARACTERS])
        if len(cleaned) > MOST_CHARACTERS or len(encoded.ids) > most:
            raise WordsError(f"the text is too long: this encoder reads {most} pieces of words at most. Shorten it")
        missing = most - len(encoded.ids)
        fill = self._tokenizer.token_to_id(self._settings.pad)
        return [*encoded.ids, *[fill] * missing], [*encoded.attention_mask, *[0] * missing]


def _load_tokenizer(file: Path, settings: TextSettings) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("To read texts with an encoder of your own", "tokenizers", "encoder") from error
    try:
        with open_regular(file) as stream:
            if os.fstat(stream.fileno()).st_size > settings.most_bytes:
                raise ModelFolderError(f"{escape_path(file)}: too large: the limit is {settings.most_bytes >> 20} MiB")
            tokenizer = Tokenizer.from_str(stream.read(settings.most_bytes).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{escape_path(file)}: cannot be read: {error}") from error
    except ModelFolderError:
        raise
    except Exception as error:  # its exceptions have no class of their own
        raise ModelFolderError(f"{escape_path(file)}: no tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if tokenizer.token_to_id(settings.pad) is None:
        raise ModelFolderError(f"{escape_path(file)}: it has no piece {settings.pad[:60]!r}, which fills texts up")
    return tokenizer

"""Finds photos by a sentence with a person's own image-text encoder; tags are those of the model, as ever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import Embedded, embed_cached
from vectortag.inference.search import BATCH, Found, with_tags
from vectortag.inference.tagger import Tagger
from vectortag.model.encoder import Encoder


class EncoderIndex:
    """Photos that an encoder has embedded.

    Args:
        encoder: whose sentences are searched.
        tagger: the model whose tags are asked for; None: no tag can be.

    Attributes:
        photos: those that can be read.
        failed: the errors of the others.

    Raises:
        MissingExtraError, ModelFolderError: a network cannot be loaded.
    """

    def __init__(
        self,
        encoder: Encoder,
        photos: Sequence[Path],
        *,
        tagger: Tagger | None = None,
        threads: int | None = None,
        max_pixels: int | None = None,
    ) -> None:
        self._encoder, self._tagger = encoder, tagger
        self._found = embed_with(encoder, photos, threads=threads, max_pixels=max_pixels)
        self.photos: tuple[Path, ...] = tuple(self._found.photos)
        self.failed: tuple[PhotoError, ...] = tuple(self._found.failed)

    def search(
        self, sentence: str, *, top: int, has: Sequence[str] = (), has_not: Sequence[str] = ()
    ) -> list[Found[Path]]:
        """The photos that a sentence fits best, best first; as `vectortag.inference.search.PhotoIndex.search`.

        Raises:
            MissingExtraError, ModelFolderError: the text side cannot be loaded.
            WordsError: the sentence is empty or too long.
            UnknownTagError: the model does not have a tag.
        """
        (query,) = self._encoder.embed_texts([sentence])
        similarities = cosines(self._found, query)
        rows = np.argsort(-similarities, kind="stable")
        if (has or has_not) and self._tagger is not None:
            tagger = self._tagger
            network = tagger.folder.network_in(tagger.embedder.session.precision)
            own = embed_cached(tagger.embedder, tagger.folder.manifest.files[network.name], self.photos)
            rows = with_tags(tagger, own, rows, top=top, has=has, has_not=has_not)
        return [Found(self.photos[row], float(similarities[row])) for row in rows[:top]]


def embed_with(
    encoder: Encoder, photos: Sequence[Path], *, threads: int | None = None, max_pixels: int | None = None
) -> Embedded[Path]:
    """Embed into the user's cache what an encoder has not yet seen, on all cores.

    Raises:
        MissingExtraError, ModelFolderError: the image side cannot be loaded.
    """
    return embed_cached(encoder.open_embedder(threads=threads, max_pixels=max_pixels), encoder.digest, photos)


def cosines(found: Embedded[Path], query: FloatArray) -> FloatArray:
    """The cosine of each photo with a query (D,) of length 1: -> (N,)."""
    made = np.empty(len(found.photos), np.float32)
    for start in range(0, len(made), BATCH):
        batch = np.arange(start, min(start + BATCH, len(made)))
        made[batch] = found[batch] @ query
    return made

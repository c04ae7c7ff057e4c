"""Photos found by a sentence, and by the tags that they have or have not; each photo is embedded once and for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectortag.data.embeddings import embed_photos
from vectortag.errors import PhotoError
from vectortag.tagger import Tagger
from vectortag.types import FloatArray
from vectortag.word_vectors import sentence_vector
from vectortag.wording import knows_words

BATCH = 4096
"""Photos whose classes are worked out at once; each takes 10 kB meanwhile."""


@dataclass(frozen=True, slots=True)
class Found:
    """A photo and how well a sentence fits it: a cosine in [-1, 1], comparable within one search only."""

    photo: Path
    similarity: float


class PhotoIndex:
    """Photos of a model, ready to be searched: where each points among sentences, and its embedding.

    Attributes:
        photos: those that can be read.
        failed: the errors of the others.
    """

    def __init__(self, tagger: Tagger, photos: Sequence[Path], embeddings: FloatArray) -> None:
        self._words = knows_words(tagger.folder)
        self._tagger = tagger
        self.photos = tuple(photos)
        self.failed: tuple[PhotoError, ...] = ()
        self._embeddings = embeddings
        starts = range(0, len(embeddings), BATCH)
        parts = [self._words.views(embeddings[start : start + BATCH]).directions for start in starts]
        self._directions = np.concatenate(parts) if parts else np.empty((0, len(self._words.offset)), np.float32)

    @classmethod
    def of(cls, tagger: Tagger, photos: Sequence[Path]) -> PhotoIndex:
        """Embed what is not yet in the cache, and make the index.

        Raises:
            WordsError: the model knows no words.
        """
        knows_words(tagger.folder)
        network = tagger.folder.network_in(tagger.embedder.session.precision)
        found, failed = embed_photos(tagger.embedder, tagger.folder.manifest.files[network.name], photos)
        width = tagger.folder.manifest.backbone.width
        index = cls(tagger, list(found), np.stack(list(found.values())) if found else np.empty((0, width), np.float32))
        index.failed = tuple(failed)
        return index

    def search(self, sentence: str, *, top: int, has: Sequence[str] = (), has_not: Sequence[str] = ()) -> list[Found]:
        """The photos that a sentence fits best, best first.

        Args:
            sentence: in English.
            top: at most so many.
            has, has_not: tags whose score must, or must not, reach their threshold.

        Raises:
            MissingExtraError, WordsError: as `vectortag.word_vectors.sentence_vector`.
            UnknownTagError: the model does not have a tag.
        """
        query = self._words.queries(sentence_vector(sentence)[None])[0]
        similarities = self._directions @ query
        rows = np.arange(len(self.photos)) if not has and not has_not else self._with_tags(has, has_not)
        top = min(top, len(rows))
        best = rows[np.argpartition(-similarities[rows], top - 1)[:top]] if top else rows[:0]
        order = best[np.argsort(-similarities[best], kind="stable")]
        return [Found(self.photos[row], float(similarities[row])) for row in order]

    def _with_tags(self, has: Sequence[str], has_not: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        wanted, unwanted = ([self._tagger.place(tag) for tag in tags] for tags in (has, has_not))
        keep = np.ones(len(self.photos), np.bool_)
        for start in range(0, len(keep), BATCH):
            scores = self._tagger.scores(self._embeddings[start : start + BATCH])
            reached = scores >= self._tagger.thresholds
            keep[start : start + BATCH] = reached[:, wanted].all(axis=1) & ~reached[:, unwanted].any(axis=1)
        return np.flatnonzero(keep)

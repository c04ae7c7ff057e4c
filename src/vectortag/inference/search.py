"""Finds photos by a sentence, and by tags that they have or do not have. Each photo is embedded once, then cached."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from vectortag.core.checked import without_hash
from vectortag.core.errors import PhotoError
from vectortag.core.files import read_file
from vectortag.core.folders import cache_home, write_cache_file
from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import Embedded, embed_cached
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import WORDS, ModelFolder
from vectortag.model.words.similarity import Words
from vectortag.model.words.tokenizer import has_whole_word
from vectortag.model.words.word_vectors import sentence_vector
from vectortag.personal.from_words import knows_words

BATCH = 4096
"""Photos per computation of classes; each takes 10 kB of memory."""

CHUNK = 512
"""Photos per computation of tags, best first."""

NEAREST = 3
"""Known words to name if a sentence is far from all of them."""

KEPT_INDEXES = 8
"""Collections of photos whose directions are cached; the least recently used ones are deleted."""

Rows = npt.NDArray[np.intp]
P = TypeVar("P")
"""The caller's identifier of a photo, such as its path."""


@dataclass(frozen=True, slots=True)
class Found(Generic[P]):
    """A photo and how well a sentence fits it: a cosine in [-1, 1], comparable within one search only."""

    photo: P
    similarity: float


class PhotoIndex(Generic[P]):
    """Photos that can be searched: for each, its direction in the space of sentences, and its embedding.

    Args:
        tagger: the model.
        photos, embeddings: N photos and their embeddings, (N, K).
        directions: (N, D); None: they are computed here.

    Attributes:
        photos: those that can be read.
        failed: the errors of the others.

    Raises:
        WordsError: the model knows no words.
    """

    def __init__(
        self,
        tagger: Tagger,
        photos: Sequence[P],
        embeddings: FloatArray | Embedded[Path],
        directions: FloatArray | None = None,
    ) -> None:
        self._words = knows_words(tagger.folder)
        self._embed_sentence = functools.lru_cache(maxsize=1)(sentence_vector)  # `search` and `doubt` ask for the same
        self._tagger = tagger
        self.photos = tuple(photos)
        self.failed: tuple[PhotoError, ...] = ()
        self._embeddings = embeddings
        self._directions = _directions(self._words, embeddings, len(photos)) if directions is None else directions

    @staticmethod
    def of(tagger: Tagger, photos: Sequence[Path]) -> PhotoIndex[Path]:
        """Embed what is not yet in the cache, and make the index.

        Raises:
            WordsError: the model knows no words.
        """
        words = knows_words(tagger.folder)
        files = tagger.folder.manifest.files
        network = tagger.folder.network_in(tagger.embedder.session.precision)
        found = embed_cached(tagger.embedder, files[network.name], photos)
        index = PhotoIndex(tagger, found.photos, found, _kept_directions(words, files[WORDS], found))
        index.failed = tuple(found.failed)
        return index

    def search(
        self, sentence: str, *, top: int, has: Sequence[str] = (), has_not: Sequence[str] = ()
    ) -> list[Found[P]]:
        """The photos that a sentence fits best, best first.

        Args:
            sentence: in English.
            top: the number of photos, at most.
            has, has_not: tags that must, or must not, be shown for the photo. A guess is not shown.

        Raises:
            MissingExtraError, WordsError: as `vectortag.model.words.word_vectors.sentence_vector`.
            UnknownTagError: the model does not have a tag.
        """
        query = self._words.queries(self._embed_sentence(sentence)[None])[0]
        similarities = self._directions @ query
        if has or has_not:
            order = np.argsort(-similarities, kind="stable")
            rows = with_tags(self._tagger, self._embeddings, order, top=top, has=has, has_not=has_not)
        else:
            count = min(top, len(self.photos))
            best = np.argpartition(-similarities, count - 1)[:count] if count else np.empty(0, np.intp)
            rows = best[np.argsort(-similarities[best], kind="stable")]
        return [Found(self.photos[row], float(similarities[row])) for row in rows]

    def doubt(self, sentence: str, found: Sequence[Found[P]] | None = None) -> str | None:
        """A warning if the order may mean nothing, or no photo found clearly shows the sentence; else None.

        Args:
            found: by `search`; None says nothing of them.

        Raises:
            MissingExtraError, WordsError: as `search`.
        """
        vector, model = self._embed_sentence(sentence), self._tagger.folder.manifest.name
        doubt = doubt_of(self._words, sentence, vector, model)
        if doubt is None and found:
            doubt = no_match(self._words, sentence, vector, max(one.similarity for one in found))
        return doubt


@dataclass(frozen=True, slots=True)
class SentenceMaps:
    """Where photos show what a sentence says. `query` is its direction, (D,)."""

    words: Words
    query: FloatArray

    @classmethod
    def of(cls, folder: ModelFolder, sentence: str) -> SentenceMaps:
        """The maps of a sentence in English, by what a model knows of words.

        Raises:
            MissingExtraError, WordsError: as `vectortag.model.words.word_vectors.sentence_vector`.
        """
        words = knows_words(folder)
        return cls(words, words.queries(sentence_vector(sentence)[None])[0])

    def map(self, feature_map: FloatArray) -> FloatArray:
        """Of a photo's feature map: (K, h, w) -> (h, w) in [0, 1]."""
        return self.words.sentence_map(self.query, feature_map)


def doubt_of(words: Words, sentence: str, vector: FloatArray, model: str) -> str | None:
    """As `PhotoIndex.doubt`.

    Args:
        vector: (D,) of the sentence.
        model: its name, for the warning.
    """
    if words.evidence is None or has_whole_word(sentence):
        return None
    near = words.nearest(vector, NEAREST)
    if words.evidence.group(near[0][1]) >= 0:
        return None
    return (
        f'"{sentence}" is far from everything that the model "{model}" knows, so this order may mean nothing. '
        f"The nearest words: {', '.join(word for word, _ in near)}"
    )


def no_match(words: Words, sentence: str, vector: FloatArray, best: float) -> str | None:
    """What to say where even the best photo does not stand above the line; None where one does, or there is no line.

    Args:
        vector: (D,) of the sentence.
        best: the highest similarity of a photo.
    """
    if words.line is None or words.line.is_above(words.queries(vector[None])[0], np.array([best], np.float32)).any():
        return None
    return f'nothing here clearly matches "{sentence}"; these are the nearest'


def with_tags(
    tagger: Tagger,
    embeddings: FloatArray | Embedded[Path],
    rows: Rows,
    *,
    top: int,
    has: Sequence[str],
    has_not: Sequence[str],
) -> Rows:
    """The first photos with the wanted tags and without the unwanted ones. The others are not scored.

    Args:
        embeddings: (N, K) of all photos.
        rows: of the photos to choose from, best first.
        top, has, has_not: as in `PhotoIndex.search`.

    Raises:
        UnknownTagError: the model does not have a tag.
    """
    wanted, unwanted = ([tagger.place(tag) for tag in tags] for tags in (has, has_not))
    found = np.empty(0, np.intp)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        shown = tagger.shown(tagger.scores(embeddings[chunk]))
        right = shown[:, wanted].all(axis=1) & ~shown[:, unwanted].any(axis=1)
        found = np.concatenate([found, chunk[right]])
        if len(found) >= top:
            break
    return found[:top]


def _kept_directions(words: Words, name: str, found: Embedded[Path]) -> FloatArray:
    """As `_directions`, but from the cache if the same photos were searched before.

    Args:
        name: identifies `words`, such as the hash of its file.
    """
    file = cache_home() / "directions" / f"{hashlib.sha256(f'{name} {found.key}'.encode()).hexdigest()[:32]}.npy"
    kept = _read_directions(file)
    if kept is not None and kept.shape == (len(found.photos), len(words.offset)):
        return kept
    made = _directions(words, found, len(found.photos))
    content = io.BytesIO()
    np.save(content, made)
    write_cache_file(file, content.getvalue(), most=KEPT_INDEXES)
    return made


def _read_directions(file: Path) -> FloatArray | None:
    """What `_keep` wrote; None where it is not there, or not as it was."""
    try:
        content = without_hash(read_file(file))
        if content is None:
            return None
        kept: FloatArray = np.load(io.BytesIO(content))
        file.touch()
        return kept
    except (OSError, ValueError, EOFError):
        return None


def _directions(words: Words, embeddings: FloatArray | Embedded[Path], count: int) -> FloatArray:
    """The directions of photos in the space of sentences, (N, D)."""
    made = np.empty((count, len(words.offset)), np.float32)
    for start in range(0, count, BATCH):
        batch = np.arange(start, min(start + BATCH, count))
        made[batch] = words.views(embeddings[batch]).directions
    return made

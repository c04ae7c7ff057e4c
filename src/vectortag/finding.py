"""Photos found by a sentence, and by the tags that they have or have not; each photo is embedded once and for all."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.data.embeddings import embed_photos
from vectortag.errors import PhotoError
from vectortag.model_folder import WORDS
from vectortag.places import cache_home, replace_file
from vectortag.tagger import Tagger
from vectortag.types import FloatArray
from vectortag.word_vectors import sentence_vector
from vectortag.wording import knows_words
from vectortag.words import Words

BATCH = 4096
"""Photos whose classes are worked out at once; each takes 10 kB meanwhile."""

CHUNK = 512
"""Photos whose tags are worked out at once, in the order in which they are found."""

KEPT_INDEXES = 8
"""Collections whose directions are in the cache; of more, those that were longest not used are deleted."""

Rows = npt.NDArray[np.intp]


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
        self._directions = _directions(self._words, tagger.folder.manifest.files[WORDS], embeddings)

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
        if has or has_not:
            rows = self._with_tags(np.argsort(-similarities, kind="stable"), top, has, has_not)
        else:
            count = min(top, len(self.photos))
            best = np.argpartition(-similarities, count - 1)[:count] if count else np.empty(0, np.intp)
            rows = best[np.argsort(-similarities[best], kind="stable")]
        return [Found(self.photos[row], float(similarities[row])) for row in rows]

    def _with_tags(self, rows: Rows, top: int, has: Sequence[str], has_not: Sequence[str]) -> Rows:
        """The first of some photos whose tags are as they should be; no more are looked at than it takes."""
        wanted, unwanted = ([self._tagger.place(tag) for tag in tags] for tags in (has, has_not))
        found = np.empty(0, np.intp)
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            reached = self._tagger.scores(self._embeddings[some]) >= self._tagger.thresholds
            right = reached[:, wanted].all(axis=1) & ~reached[:, unwanted].any(axis=1)
            found = np.concatenate([found, some[right]])
            if len(found) >= top:
                break
        return found[:top]


def _directions(words: Words, name: str, embeddings: FloatArray) -> FloatArray:
    """Where photos point among sentences, (N, D), from the cache where the same photos were searched before.

    Args:
        name: what names `words` for good, such as its file's hash.
    """
    key = hashlib.sha256(name.encode())
    key.update(np.ascontiguousarray(embeddings).data)
    file = cache_home() / "directions" / f"{key.hexdigest()[:32]}.npy"
    try:
        kept: FloatArray = np.load(file)
        file.touch()
        return kept
    except (OSError, ValueError):  # not there, or broken: it is made anew
        pass
    starts = range(0, len(embeddings), BATCH)
    parts = [words.views(embeddings[start : start + BATCH]).directions for start in starts]
    made = np.concatenate(parts) if parts else np.empty((0, len(words.offset)), np.float32)
    _keep(file, made)
    return made


def _keep(file: Path, directions: FloatArray) -> None:
    content = io.BytesIO()
    np.save(content, directions)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content.getvalue())
        by_use = sorted(file.parent.glob("*.npy"), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in by_use[KEPT_INDEXES:]:
            old.unlink(missing_ok=True)
    except OSError:  # a cache is never worth failing for
        return

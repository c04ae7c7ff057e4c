"""What puts the photos of a search in order: their likeness to a sentence, or to another photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import QueryError, WordsError
from vectortag.core.types import FloatArray
from vectortag.library.near_photo import direction_of
from vectortag.library.query import Named
from vectortag.library.searched import Searched
from vectortag.model.sentence import read_sentence

RankedBy = Literal["sentence", "likeness"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """One order of the photos.

    Attributes:
        name: what the photos are compared with.
        cosines: (N,) what to order by.
        found: (N,) the photos that are left: a sentence may leave out tags, and a photo needs a vector.
        readings: how a sentence was understood.
        doubt: why the order may mean nothing.
    """

    name: RankedBy
    cosines: FloatArray
    found: npt.NDArray[np.bool_]
    readings: tuple[str, ...] = ()
    doubt: str | None = None


def by_sentence(searched: Searched, sentence: str, at: int, found: npt.NDArray[np.bool_]) -> Ranking:
    """Order by a sentence.

    Args:
        at: the column of the sentence in the query.
        found: (N,) the photos to put in order.

    Raises:
        QueryError: the sentence cannot be read.
        MissingExtraError, WordsError: no sentence can be read.
    """
    reader, vectors = searched.sentences, searched.sentence_vectors
    reading = read_sentence(sentence, searched.lexicon.tag_of, searched.language, translate=reader.knows_english_only)
    text = reading.text or sentence
    try:
        query = reader.query(text)
    except WordsError as error:
        raise QueryError(at, str(error)) from error
    found = found & vectors.known
    for tag in reading.without:
        found &= searched.shown(tag) == 0
    cosines = vectors.cosines(query)
    doubts = [*reading.doubts, *filter(None, [reader.doubt(text)])]
    if not doubts and found.any():
        doubts += filter(None, [reader.no_match(text, float(cosines[found].max()))])
    is_word = " " not in sentence
    kind = f"no name here, so a sentence.{searched.lexicon.near(sentence)}" if is_word else "a sentence"
    return Ranking("sentence", cosines, found, (*reading.notes, f'"{sentence}": {kind}'), "; ".join(doubts) or None)


def by_likeness(searched: Searched, near: Named, found: npt.NDArray[np.bool_]) -> Ranking:
    """Order by the likeness to a photo.

    Args:
        near: names the photo.
        found: (N,) the photos to put in order.

    Raises:
        QueryError: there is no such photo, or no model has looked at the photos.
    """
    if searched.model is None:
        raise QueryError(near.at, "no photo has been tagged yet. Run: vectortag library update")
    query = direction_of(searched.database, searched.model, near)
    vectors = searched.embeddings
    return Ranking("likeness", vectors.cosines(query), found & vectors.known)


def joined(rankings: Sequence[FloatArray], found: npt.NDArray[np.bool_]) -> FloatArray:
    """One order of several, (N,) each: in deviations from its mean over the photos found, summed up."""
    if len(rankings) == 1:
        return rankings[0]
    total = np.zeros(len(found), np.float32)
    for ranking in rankings:
        among = ranking[found]
        if len(among):
            total += (ranking - among.mean()) / max(float(among.std()), 1e-6)
    return total

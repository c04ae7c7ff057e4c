"""Search among the photos of a session: by a sentence, ranked as by `vectortag find`, and by tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos
from vectortag.core.errors import VectorTagError
from vectortag.inference.search import PhotoIndex, with_tags


@dataclass(frozen=True, slots=True)
class Search:
    """A query: a sentence, tags that a photo must have, and tags that it must not have."""

    sentence: str = ""
    has: Sequence[str] = ()
    has_not: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.sentence.strip() or self.has or self.has_not)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search has found.

    Attributes:
        photos: those with the right tags, best match first; in their old order if the sentence is empty or unusable.
        problem: why the sentence was not used; None if it was.
        doubt: a warning that the order may be meaningless; None if it is not.
    """

    photos: list[PagePhoto]
    problem: str | None = None
    doubt: str | None = None


def run_search(search: Search, session: SessionPhotos, model: LoadedModel) -> SearchResult:
    """Search all photos of the session, from their embeddings in memory; nothing is written to disk."""
    photos, tagger = list(session.photos.values()), model.tagger()
    embeddings = session.embeddings(model)
    problem = None
    if search.sentence.strip():
        try:
            index = PhotoIndex(tagger, photos, embeddings)
            found = index.search(search.sentence, top=len(photos), has=search.has, has_not=search.has_not)
            return SearchResult([one.photo for one in found], doubt=index.doubt(search.sentence, found))
        except VectorTagError as error:
            problem = str(error)
    rows = with_tags(
        tagger, embeddings, np.arange(len(photos)), top=len(photos), has=search.has, has_not=search.has_not
    )
    return SearchResult([photos[row] for row in rows], problem)

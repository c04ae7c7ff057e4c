"""A search among a visitor's photos: by a sentence, as `vectortag find` ranks them, and by tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.modes import InferenceMode
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos
from vectortag.core.errors import VectorTagError
from vectortag.inference.search import PhotoIndex, with_tags


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Attributes: `has`, `has_not`, tags that a photo must or must not reach the threshold of."""

    sentence: str = ""
    has: Sequence[str] = ()
    has_not: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.sentence.strip() or self.has or self.has_not)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has found.

    Attributes:
        photos: those with the right tags; the best fit first where there is a sentence that can be read.
        problem: why the sentence cannot be searched by; None where it was.
        doubt: why the order may mean nothing; None where it means something.
    """

    photos: list[PagePhoto]
    problem: str | None = None
    doubt: str | None = None


def run_search(search: Search, visit: SessionPhotos, model: LoadedModel, mode: InferenceMode) -> Outcome:
    """Search all photos of a visitor. The network has seen them, and does not run; nothing of them is kept on disk."""
    photos, tagger = list(visit.photos.values()), model.tagger()
    embeddings = visit.embeddings(model, mode)
    problem = None
    if search.sentence.strip():
        try:
            index = PhotoIndex(tagger, photos, embeddings)
            found = index.search(search.sentence, top=len(photos), has=search.has, has_not=search.has_not)
            return Outcome([one.photo for one in found], doubt=index.doubt(search.sentence))
        except VectorTagError as error:
            problem = str(error)
    rows = with_tags(
        tagger, embeddings, np.arange(len(photos)), top=len(photos), has=search.has, has_not=search.has_not
    )
    return Outcome([photos[row] for row in rows], problem)

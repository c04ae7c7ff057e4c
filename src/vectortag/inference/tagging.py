"""The result for one photo, from its scores: which tags are shown, which are guessed, and what made them."""

from __future__ import annotations

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.core.types import FailedTagging, FloatArray, Tagging
from vectortag.inference.scorer import Scorer
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import Photo, name_of


def tagging_of(
    scorer: Scorer,
    embedder: Embedder,
    scores: FloatArray,
    *,
    path: str | None,
    model: str,
    embedding: FloatArray | None = None,
) -> Tagging:
    """The tagging of one photo.

    Args:
        embedder: of the network that the scores are from.
        scores: (T,) as `Scorer.scores` gives them.
        path, model, embedding: as in `Tagging`.
    """
    scored = scorer.with_thresholds(scores)
    shown = [scored[index] for index in np.flatnonzero(scorer.shown(scores[None])[0]).tolist()]
    session = embedder.session
    return Tagging(
        path=path,
        model=model,
        runtime=session.runtime,
        precision=session.precision,
        size=embedder.size,
        tags=tuple(sorted(shown, key=lambda one: -one.score)),
        scores=scored,
        guesses=() if shown else scorer.guesses(scores, scored),
        ancestors=scorer.ancestors,
        embedding=embedding,
    )


def failed_tagging(photo: Photo, error: PhotoError) -> FailedTagging:
    """The result for a photo that cannot be read."""
    return FailedTagging(name_of(photo) or "photo", error)

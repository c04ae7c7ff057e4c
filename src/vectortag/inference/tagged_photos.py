"""Finds photos by their tags alone, without a sentence: those that are surest to show what was asked for come first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.data.embedding_cache import embed_cached
from vectortag.inference.search import CHUNK, Found
from vectortag.inference.tagger import Tagger


def photos_with(
    tagger: Tagger, photos: Sequence[Path], *, top: int, has: Sequence[str] = (), has_not: Sequence[str] = ()
) -> tuple[list[Found[Path]], int, tuple[PhotoError, ...]]:
    """The photos that show tags and do not show others. What is not yet in the cache is embedded.

    Args:
        top: the number of photos, at most.
        has, has_not: tags that must, or must not, be shown. A guess is not shown.

    Returns:
        The photos, each with the product of the scores of `has`, 1 where there are none, best first; of how many; and
        the errors of those that cannot be read.

    Raises:
        UnknownTagError: the model does not have a tag.
    """
    wanted, unwanted = ([tagger.place(tag) for tag in tags] for tags in (has, has_not))
    network = tagger.folder.network_in(tagger.embedder.session.precision)
    embedded = embed_cached(tagger.embedder, tagger.folder.manifest.files[network.name], photos)
    count = len(embedded.photos)
    values = np.zeros(count, np.float32)
    for start in range(0, count, CHUNK):
        rows = np.arange(start, min(start + CHUNK, count))
        scores = tagger.scores(embedded[rows])
        shown = tagger.shown(scores)
        right = shown[:, wanted].all(axis=1) & ~shown[:, unwanted].any(axis=1)
        values[rows] = np.where(right, np.maximum(scores[:, wanted].prod(axis=1), 1e-30), 0)  # small, but no 0
    order = np.argsort(-values, kind="stable")[: min(top, int(np.count_nonzero(values)))]
    found = [Found(embedded.photos[row], float(values[row])) for row in order]
    return found, count, tuple(embedded.failed)

"""Runs many photos on all cores. Results and errors keep the order of the photos."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vectortag.core.errors import PhotoError
from vectortag.core.types import FloatArray
from vectortag.inference.scorer import Scorer
from vectortag.runtime.blas import one_thread
from vectortag.runtime.embedder import Embedder, embeddings_of, map_readable
from vectortag.runtime.pipeline import batched
from vectortag.runtime.pixels import Photo

Item = TypeVar("Item")

SCORED_TOGETHER = 16
"""Photos per call of the head."""


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """What a model computed for one photo.

    Attributes:
        feature_map: (K, h, w) float32.
        own_scores: (T,), before parents are raised.
        fine: (K, H, W), the feature map of a larger input; None unless fine heat maps were asked for.
    """

    feature_map: FloatArray
    own_scores: FloatArray
    fine: FloatArray | None


def score_many(
    embedder: Embedder, scorer: Scorer, photos: Iterable[Photo]
) -> Iterator[tuple[Photo, tuple[FloatArray, FloatArray] | PhotoError]]:
    """Yield each photo with its embedding (K,) and its scores (T,), or with its error."""
    for batch in _scored_together(embedder.embed_many(photos)):
        scored = map_readable(
            [one for _, one in batch], lambda read: zip(read, scorer.scores(np.stack(read)), strict=True)
        )
        yield from zip((photo for photo, _ in batch), scored, strict=True)


def pass_many(
    embedder: Embedder, finer: Embedder | None, scorer: Scorer, photos: Iterable[Photo]
) -> Iterator[tuple[Photo, ForwardPass | PhotoError]]:
    """Yield each photo with its forward pass, or its error.

    Args:
        finer: the network at a larger input, for fine heat maps, or None.
    """
    for batch in _scored_together(_feature_maps(embedder, finer, photos)):
        scored = map_readable(
            [feature_map for _, feature_map, _ in batch],
            lambda read: scorer.own_scores(np.concatenate([embeddings_of(one[None]) for one in read])),
        )
        for (photo, feature_map, fine), own in zip(batch, scored, strict=True):
            if isinstance(own, PhotoError) or isinstance(feature_map, PhotoError):
                yield photo, own
            elif isinstance(fine, PhotoError):
                yield photo, fine
            else:
                yield photo, ForwardPass(feature_map, own, fine)


def _feature_maps(
    embedder: Embedder, finer: Embedder | None, photos: Iterable[Photo]
) -> Iterator[tuple[Photo, FloatArray | PhotoError, FloatArray | PhotoError | None]]:
    if finer is None:
        yield from ((photo, feature_map, None) for photo, feature_map in embedder.feature_maps(photos))
        return
    once, again = itertools.tee(photos)
    both = zip(embedder.feature_maps(once), finer.feature_maps(again), strict=True)
    yield from ((photo, feature_map, fine) for (photo, feature_map), (_, fine) in both)


def _scored_together(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Batches, while numpy has one thread: the other cores decode photos and run the network."""
    with one_thread():
        yield from batched(items, SCORED_TOGETHER)

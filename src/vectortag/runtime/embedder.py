"""From photos to embeddings, many at a time: on all cores, in order, in flat memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.runtime.blas import one_thread
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.pipeline import batched, map_ordered
from vectortag.runtime.pixels import Photo, PixelRecipe, load_pixels
from vectortag.runtime.session import AT_ONCE, Session

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Groups of photos a thread that are taken before the first of them is given back: large photos hold up no others."""

VIEWS = 4
MIDDLE = 0.8
"""The share of a side that a view of a photo's middle shows."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network and the pixels it wants. An embedding is the mean of the feature map over its cells."""

    session: Session
    recipe: PixelRecipe
    size: int

    def at(self, size: int) -> Embedder:
        """The same network at another input size; one that takes any."""
        return replace(self, size=size)

    def feature_map(self, photo: Photo) -> FloatArray:
        """(K, h, w) float32 of one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.session.feature_maps(self.pixels(photo)[None])[0]

    def pixels(self, photo: Photo) -> ByteArray:
        """(size, size, 3) uint8 of one photo; for a network in a lower precision by the quicker of two ways.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return load_pixels(photo, self.size, self.recipe, exact=self.session.precision == "f32")

    def embed(self, images: ByteArray) -> FloatArray:
        """(N, size, size, 3) uint8 -> (N, K) float32."""
        return embeddings_of(self.session.feature_maps(images))

    def embed_many(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Yield every photo with its (K,) embedding, or with the error that stopped it, in the order of `photos`."""
        return self._each(photos, lambda feature_map: embeddings_of(feature_map[None])[0])

    def feature_maps(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Yield every photo with its (K, h, w) feature map, or its error, in the order of `photos`."""
        return self._each(photos, lambda feature_map: feature_map)

    def embed_views(self, photo: Photo) -> FloatArray:
        """(VIEWS, K): the embeddings of a photo, of its middle, and of both mirrored.

        Raises:
            PhotoError: the photo cannot be read.
        """
        plain = Image.fromarray(self.pixels(photo))
        edge = round(self.size * (1 - MIDDLE) / 2)
        middle = plain.resize(plain.size, Image.Resampling.BICUBIC, (edge, edge, self.size - edge, self.size - edge))
        views = np.stack([np.asarray(plain), np.asarray(middle)])
        return self.embed(np.concatenate([views, views[:, :, ::-1]]))

    def _each(
        self, photos: Iterable[Photo], wanted: Callable[[FloatArray], FloatArray]
    ) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Work on all cores: each thread decodes a group of photos, leaves them to the network, and waits for them.

        There are more threads than cores, so that some decode while others wait. A single photo has all cores, and no
        network is made ready for each of them. What is too few photos for a group on each core is done one by one.

        Args:
            wanted: what to keep of a feature map.
        """
        photos, session = iter(photos), self.session
        first = list(itertools.islice(photos, AT_ONCE * session.threads))
        if len(first) == 1:
            yield first[0], _try(lambda photo: wanted(self.feature_map(photo)), first[0])
            return
        group = AT_ONCE if len(first) == AT_ONCE * session.threads else 1
        look = session.feature_maps_of if group > 1 else lambda images: map(session.feature_map, images)
        spare = session.threads // 2 if session.threads == usable_cores() else 0  # fewer cores were asked for: no more

        def work(some: Sequence[Photo]) -> list[tuple[Photo, FloatArray | PhotoError]]:
            pixels = [_try(self.pixels, photo) for photo in some]
            results = work_on_read(pixels, lambda images: map(wanted, look(images)))
            return list(zip(some, results, strict=True))

        threads = session.threads + spare
        groups = batched(itertools.chain(first, photos), group)
        results = map_ordered(work, groups, threads=threads, in_flight=AHEAD * threads, name="photos")
        with one_thread(), closing(results):
            yield from itertools.chain.from_iterable(results)


def _try(work: Callable[[Photo], Item], photo: Photo) -> Item | PhotoError:
    try:
        return work(photo)
    except PhotoError as error:
        return error


def work_on_read(
    items: Sequence[Item | PhotoError], work: Callable[[list[Item]], Iterable[Result]]
) -> list[Result | PhotoError]:
    """Work at once on all that could be read; an error stays in its place."""
    read = [item for item in items if not isinstance(item, PhotoError)]
    results = iter(work(read) if read else ())
    return [item if isinstance(item, PhotoError) else next(results) for item in items]


def embeddings_of(feature_maps: FloatArray) -> FloatArray:
    """(N, K, h, w) -> (N, K): the plain mean over the cells."""
    return feature_maps.mean(axis=(2, 3), dtype=np.float32)

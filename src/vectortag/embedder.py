"""From photos to embeddings, many at a time: decoding in threads beside the network, in order, in flat memory."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image

from vectortag.errors import PhotoError
from vectortag.preprocess import Photo, PixelRecipe, load_pixels
from vectortag.session import Session, usable_cores
from vectortag.types import ByteArray, FloatArray

Decoded = tuple[Photo, ByteArray | PhotoError]

BATCH = 16
"""Photos a forward pass. Larger batches gain nothing on a CPU and cost memory."""

VIEWS = 4
MIDDLE = 0.8
"""The share of a side that a view of a photo's middle shows."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network and the pixels it wants. An embedding is the mean of the feature map over its cells."""

    session: Session
    recipe: PixelRecipe
    size: int

    def feature_map(self, photo: Photo) -> FloatArray:
        """(K, h, w) float32 of one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.session.feature_maps(self.pixels(photo)[None])[0]

    def pixels(self, photo: Photo) -> ByteArray:
        """(size, size, 3) uint8 of one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return load_pixels(photo, self.size, self.recipe)

    def embed(self, images: ByteArray) -> FloatArray:
        """(N, size, size, 3) uint8 -> (N, K) float32."""
        return embeddings_of(self.session.feature_maps(images))

    def embed_many(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Yield every photo with its (K,) embedding, or with the error that stopped it, in the order of `photos`."""
        for batch in _batches(self._decode(photos)):
            good = [pixels for _, pixels in batch if not isinstance(pixels, PhotoError)]
            embeddings = iter(self.embed(np.stack(good)) if good else ())
            for photo, pixels in batch:
                yield photo, pixels if isinstance(pixels, PhotoError) else next(embeddings)

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

    def _decode(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, ByteArray | PhotoError]]:
        """Decode ahead of the network, never more than two batches."""
        waiting: collections.deque[tuple[Photo, Future[ByteArray | PhotoError]]] = collections.deque()
        with ThreadPoolExecutor(usable_cores(), thread_name_prefix="decode") as pool:
            try:
                for photo in photos:
                    waiting.append((photo, pool.submit(self._try_pixels, photo)))
                    if len(waiting) >= 2 * BATCH:
                        ready = waiting.popleft()
                        yield ready[0], ready[1].result()
                while waiting:
                    ready = waiting.popleft()
                    yield ready[0], ready[1].result()
            finally:
                for _, future in waiting:
                    future.cancel()

    def _try_pixels(self, photo: Photo) -> ByteArray | PhotoError:
        try:
            return self.pixels(photo)
        except PhotoError as error:
            return error


def embeddings_of(feature_maps: FloatArray) -> FloatArray:
    """(N, K, h, w) -> (N, K): the plain mean over the cells."""
    return feature_maps.mean(axis=(2, 3), dtype=np.float32)


def _batches(items: Iterable[Decoded]) -> Iterator[list[Decoded]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch

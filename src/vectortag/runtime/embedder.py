"""From photos to embeddings: on all cores, in order, with bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from PIL import Image

from vectortag.core.errors import ModelFolderError, PhotoError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.runtime.blas import one_thread
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.decoding.memory import SHARED, Budget
from vectortag.runtime.pipeline import batched, map_ordered
from vectortag.runtime.pixels import Photo, PixelRecipe, draft_side, load_pixels, resize_image
from vectortag.runtime.session import Session

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP = 4
"""Preferred photos per call of the network, or a batch of it, if that is larger. Twice as many take 10 MB more."""

GROUPS_PER_THREAD = 2
"""Groups in flight per thread; bounds memory, and a slow photo does not stall the rest."""

LARGEST_IN_BATCHES = 320
"""Pixels a side up to which batches are computed; of larger photos, a batch takes hundreds of megabytes a core."""

VIEWS = 4
"""Views per photo: the whole and its centre, each also mirrored."""

LARGEST_FEATURE = 1e15
"""Of a feature map; the largest of a shipped model is below a hundred."""

CENTRE = 0.8
"""The side of the centre, as a share of the photo's."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network and the recipe for its pixels. An embedding is the mean of the feature map over its cells.

    Attributes:
        size: pixels a side of the network's input.
        max_pixels: of a photo, in the place of the recipe's limit.
        budget: the memory that photos take together while they are decoded.
    """

    session: Session
    recipe: PixelRecipe
    size: int
    max_pixels: int | None = None
    budget: Budget = SHARED

    @property
    def pixel_limit(self) -> int:
        """The most pixels of a photo."""
        return self.max_pixels or self.recipe.max_pixels

    @property
    def draft_side(self) -> int:
        """Pixels a side to which a JPEG may be scaled down while it is decoded: no smaller."""
        return draft_side(self.size)

    def at(self, size: int) -> Embedder:
        """The same network at another input size; the network must take any size."""
        return replace(self, size=size)

    def feature_map(self, photo: Photo) -> FloatArray:
        """(K, h, w) float32 of one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self._run(self.pixels(photo)[None])[0]

    def pixels(self, photo: Photo) -> ByteArray:
        """(size, size, 3) uint8 of one photo: by Pillow for float32, resampled faster for a lower precision.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return load_pixels(
            photo,
            self.size,
            self.recipe,
            exact=self._exact,
            max_pixels=self.max_pixels,
            budget=self.budget,
        )

    def resized(self, image: Image.Image) -> ByteArray:
        """As `pixels`, of an upright RGB image, of which a JPEG was decoded at `draft_side` or more pixels a side."""
        return resize_image(image, self.size, self.recipe, exact=self._exact)

    @property
    def _exact(self) -> bool:
        return self.session.precision == "f32"

    def embed(self, images: ByteArray) -> FloatArray:
        """(N, size, size, 3) uint8 -> (N, K) float32."""
        return embeddings_of(self._run(images))

    def embed_many(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Yield every photo with its (K,) embedding, or with the error that stopped it, in the order of `photos`."""
        return self._map(photos, self.pixels, embeddings_of)

    def feature_maps(self, photos: Iterable[Photo]) -> Iterator[tuple[Photo, FloatArray | PhotoError]]:
        """Yield every photo with its (K, h, w) feature map, or its error, in the order of `photos`."""
        return self.feature_maps_of(photos, self.pixels)

    def feature_maps_of(
        self, items: Iterable[Item], pixels: Callable[[Item], ByteArray]
    ) -> Iterator[tuple[Item, FloatArray | PhotoError]]:
        """As `feature_maps`, of anything that `pixels` turns into (size, size, 3) uint8, so that it may do more with
        a photo while it is decoded.

        Args:
            pixels: called in the threads that decode; it raises PhotoError for what cannot be read.
        """
        return self._map(items, pixels, lambda maps: maps)

    def embed_views(self, photo: Photo) -> FloatArray:
        """(VIEWS, K) float32: the embeddings of the photo, of its centre, and of both mirrored.

        Raises:
            PhotoError: the photo cannot be read.
        """
        whole = Image.fromarray(self.pixels(photo))
        edge = round(self.size * (1 - CENTRE) / 2)
        centre = whole.resize(whole.size, Image.Resampling.BICUBIC, (edge, edge, self.size - edge, self.size - edge))
        views = np.stack([np.asarray(whole), np.asarray(centre)])
        return self.embed(np.concatenate([views, views[:, :, ::-1]]))

    def _run(self, images: ByteArray, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        """(N, size, size, 3) uint8 -> feature maps (N, K, h, w) of which every score can be computed.

        Raises:
            ModelFolderError: the network gives nothing, no numbers or next to endless ones, whatever the photo is.
        """
        maps = self.session.run(images, batch=batch, concurrent=concurrent)
        if not maps.size or not -LARGEST_FEATURE < maps.min() <= maps.max() < LARGEST_FEATURE:
            raise ModelFolderError(
                "the output of the model's network is empty or not finite, so there are no scores. Use another model"
            )
        return maps

    def _map(
        self,
        items: Iterable[Item],
        pixels: Callable[[Item], ByteArray],
        reduce: Callable[[FloatArray], FloatArray],
    ) -> Iterator[tuple[Item, FloatArray | PhotoError]]:
        """Work on all cores: each thread decodes a group of photos, calls the network with them, and waits for it.

        There are more threads than cores, so that some decode while others wait. A single photo has all cores, and no
        network is compiled for a core each. Photos that do not fill a group per core are computed one by one.

        Args:
            items: read in the caller's thread, only as far ahead as the threads need.
            pixels: an item -> (size, size, 3) uint8.
            reduce: feature maps (N, K, h, w) -> what is kept of them, (N, ...).
        """
        items, session = iter(items), self.session
        group = max(GROUP, session.batch)
        first = list(itertools.islice(items, group * session.threads))
        if len(first) == 1:
            yield first[0], _result_or_error(lambda item: reduce(self._run(pixels(item)[None]))[0], first[0])
            return
        size = group if len(first) == group * session.threads else 1
        batch = session.batch if size > 1 and self.size <= LARGEST_IN_BATCHES else 1
        spare = session.threads // 2 if session.threads == usable_cores() else 0  # fewer cores were asked for: no more
        threads = session.threads + spare

        def work(some: Sequence[Item]) -> list[tuple[Item, FloatArray | PhotoError]]:
            images = np.empty((len(some), self.size, self.size, 3), np.uint8)

            def decode(row: int) -> int:
                images[row] = pixels(some[row])
                return row

            decoded = [_result_or_error(decode, row) for row in range(len(some))]

            def computed(rows: Sequence[int]) -> FloatArray:
                read = images if len(rows) == len(images) else images[rows]
                return reduce(self._run(read, batch=batch, concurrent=True))

            results = map_readable(decoded, computed)
            return list(zip(some, results, strict=True))

        groups = batched(itertools.chain(first, items), size)
        results = map_ordered(work, groups, threads=threads, in_flight=GROUPS_PER_THREAD * threads, name="photos")
        with one_thread(), closing(results):
            yield from itertools.chain.from_iterable(results)


def _result_or_error(work: Callable[[Item], Result], item: Item) -> Result | PhotoError:
    try:
        return work(item)
    except PhotoError as error:
        return error


def map_readable(
    items: Sequence[Item | PhotoError], work: Callable[[list[Item]], Iterable[Result]]
) -> list[Result | PhotoError]:
    """Call `work` once with all items that are no errors. Errors keep their position in the output."""
    readable = [item for item in items if not isinstance(item, PhotoError)]
    results = iter(work(readable) if readable else ())
    return [item if isinstance(item, PhotoError) else next(results) for item in items]


def embeddings_of(feature_maps: FloatArray) -> FloatArray:
    """(N, K, h, w) -> (N, K): the plain mean over the cells."""
    return feature_maps.mean(axis=(2, 3), dtype=np.float32)

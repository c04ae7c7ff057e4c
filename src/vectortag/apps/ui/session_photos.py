"""The photos of one browser session, and the feature maps computed from them. All in memory, gone with the session."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.core.errors import PhotoError
from vectortag.core.types import FloatArray
from vectortag.inference.analysis import Analysis
from vectortag.inference.image_grid import fit
from vectortag.model.calibration import Profile
from vectortag.runtime.decoding.video import still_of
from vectortag.runtime.embedder import embeddings_of
from vectortag.runtime.pixels import open_image, opened_image

MOST_PHOTOS = 100
MOST_MEGABYTES, MOST_MEGABYTES_TOGETHER = 50, 400
MOST_PIXELS = 100_000_000
"""Limit for one photo on the page: a decoded picture takes 3 bytes per pixel, and many sessions share the memory."""

MOST_FINE_MAPS = 8
"""Feature maps of larger inputs to keep: one takes about a megabyte, four times the memory of a normal one."""

SHOWN_SIDE, THUMB_SIDE = 1024, 192

MapKey = tuple[str, str, int]
"""A photo's key, a model's digest, an input size."""


@dataclass(frozen=True)
class PagePhoto:
    """A photo as the page shows it.

    Attributes:
        key: sha256 of its content.
        content: of a video, its first good frame.
        thumb: a small JPEG of it as a data URL.
        ratio: width / height.
        example: its name among the shipped examples; None for any other photo.
        prepared: `shown`, where it was made together with the thumbnail; else empty.
    """

    key: str
    name: str
    content: bytes = field(repr=False)
    thumb: str = field(repr=False)
    ratio: float
    example: str | None = None
    prepared: str = field(default="", repr=False)

    @functools.cached_property
    def shown(self) -> str:
        """A JPEG of at most SHOWN_SIDE pixels a side as a data URL, made when the photo is first opened.

        Raises:
            PhotoError: the photo cannot be read.
        """
        if self.prepared:
            return self.prepared
        return _shown_url(open_image(self.content, max_pixels=MOST_PIXELS, draft=(SHOWN_SIDE, SHOWN_SIDE)))


@dataclass(slots=True)
class SessionPhotos:
    """The photos of one session.

    Attributes:
        photos: by key, in the order of their upload.
        chosen: the key of the photo that is shown.
        feature_maps: the output of the network, by photo, model and input size.
        fine_maps: the same for larger inputs, for fine heat maps; only of the photos that were shown last.
        layers: drawn heat maps, by the bytes of their values.
    """

    photos: dict[str, PagePhoto] = field(default_factory=dict)
    chosen: str | None = None
    feature_maps: dict[MapKey, FloatArray] = field(default_factory=dict)
    fine_maps: dict[MapKey, FloatArray] = field(default_factory=dict)
    layers: dict[bytes, str] = field(default_factory=dict)

    @property
    def photo(self) -> PagePhoto | None:
        """The photo that is shown; None if there is none."""
        return self.photos.get(self.chosen or "")

    def add(self, name: str, content: bytes, *, example: str | None = None) -> PagePhoto:
        """Add a photo; a second copy of the same content changes nothing.

        Raises:
            PhotoError: it cannot be read, or exceeds a limit of the session.
        """
        key = hashlib.sha256(content).hexdigest()
        if key not in self.photos:
            if limit := self.limit(key, len(content)):
                raise PhotoError(f"{name}: {limit}")
            self.photos[key] = read_photo(name, content, key=key, example=example)
        if self.photo is None:
            self.chosen = key
        return self.photos[key]

    def put(self, photo: PagePhoto, feature_map: FloatArray, model: LoadedModel) -> None:
        """Add a photo that was read and analysed elsewhere, at the model's default size."""
        self.photos.setdefault(photo.key, photo)
        self.feature_maps[photo.key, model.folder.digest, model.size] = feature_map
        if self.photo is None:
            self.chosen = photo.key

    def remove(self, photo: PagePhoto) -> None:
        """Remove one photo."""
        del self.photos[photo.key]
        if self.chosen == photo.key:
            self.chosen = next(iter(self.photos), None)

    def clear(self) -> None:
        """Remove all photos and everything computed from them."""
        self.photos.clear()
        self.feature_maps.clear()
        self.fine_maps.clear()
        self.layers.clear()
        self.chosen = None

    def is_analysed(self, photo: PagePhoto, model: LoadedModel) -> bool:
        """Whether the photo's feature map is there."""
        return (photo.key, model.folder.digest, model.size) in self.feature_maps

    def analyse(
        self,
        photo: PagePhoto,
        model: LoadedModel,
        profile: Profile = "balanced",
        *,
        fine: bool = False,
    ) -> Analysis:
        """Tags and heat maps of a photo. The network runs only once, not for a new threshold or an added tag.

        Args:
            fine: make fine heat maps, for which the network runs once more on a larger input.

        Raises:
            PhotoError: the photo cannot be read.
        """
        tagger = model.tagger(profile)
        feature_map = _feature_map(self.feature_maps, photo, model, tagger.embedder.size)
        if not fine or tagger.finer is None:
            return tagger.analysis_of(photo.name, feature_map)
        fine_map = _feature_map(self.fine_maps, photo, model, tagger.finer.size)
        while len(self.fine_maps) > MOST_FINE_MAPS:
            del self.fine_maps[next(iter(self.fine_maps))]
        return tagger.analysis_of(photo.name, feature_map, fine=fine_map)

    def embeddings(self, model: LoadedModel) -> FloatArray:
        """The embeddings (N, K) of all photos, in their order.

        Raises:
            PhotoError: a photo that was not analysed yet cannot be read.
        """
        maps = [_feature_map(self.feature_maps, photo, model, model.size) for photo in self.photos.values()]
        return np.concatenate([embeddings_of(one[None]) for one in maps])

    def limit(self, key: str, count: int) -> str | None:
        """The limit of the session that a photo of so many bytes would exceed; None if it may come."""
        if key in self.photos:
            return None
        if len(self.photos) >= MOST_PHOTOS:
            return f"the page takes {MOST_PHOTOS} photos at a time. For folders: vectortag tag, or vectortag library"
        if sum(len(photo.content) for photo in self.photos.values()) + count > MOST_MEGABYTES_TOGETHER * 1_000_000:
            return f"all photos together would be larger than {MOST_MEGABYTES_TOGETHER} MB"
        return None


def _feature_map(maps: dict[MapKey, FloatArray], photo: PagePhoto, model: LoadedModel, size: int) -> FloatArray:
    """The feature map of a photo: from `maps`, else computed. It becomes the last entry: the first is the oldest."""
    key = (photo.key, model.folder.digest, size)
    maps[key] = maps.pop(key) if key in maps else model.feature_map(photo.content, size)
    return maps[key]


def read_photo(name: str, content: bytes, *, key: str, example: str | None = None, side: int = SHOWN_SIDE) -> PagePhoto:
    """Read a photo that is going to be opened; `side` as in `reading`.

    Raises:
        PhotoError: it cannot be read, is too large, or has too many pixels.
    """
    with reading(name, content, key=key, side=side, example=example) as (photo, _):
        return photo


@contextmanager
def reading(
    name: str, content: bytes, *, key: str, side: int, example: str | None = None
) -> Iterator[tuple[PagePhoto, Image.Image]]:
    """Decode a photo once, for its thumbnail and for a network: give both, while the memory is reserved.

    Args:
        side: pixels a side down to which a JPEG may be scaled while it is decoded. With SHOWN_SIDE or more, the picture
            for the screen is made, too.

    Raises:
        PhotoError: as `read_photo`.
    """
    if len(content) > MOST_MEGABYTES * 1_000_000:
        raise PhotoError(f"{name}: larger than {MOST_MEGABYTES} MB")
    try:
        content = still_of(content)
        with opened_image(content, max_pixels=MOST_PIXELS, draft=(side, side)) as image:
            thumb, ratio = _data_url(fit(image, THUMB_SIDE)), image.width / image.height
            prepared = _shown_url(image) if side >= SHOWN_SIDE else ""
            yield PagePhoto(key, name, content, thumb, ratio, example, prepared), image
    except PhotoError as error:
        raise PhotoError(f"{name}: {str(error).removeprefix('photo: ')}") from error


def _shown_url(image: Image.Image) -> str:
    return _data_url(fit(image, min(SHOWN_SIDE, max(image.size))))


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=87)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

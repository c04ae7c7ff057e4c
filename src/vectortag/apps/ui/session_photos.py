"""What one visitor has: photos and what the models saw in them. It lives in the session's memory and ends with it."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.modes import InferenceMode
from vectortag.core.errors import PhotoError
from vectortag.core.types import FloatArray
from vectortag.inference.image_grid import fit
from vectortag.inference.tagger import Analysis
from vectortag.model.calibration import Profile
from vectortag.runtime.embedder import embeddings_of
from vectortag.runtime.pixels import open_image

MOST_PHOTOS = 100
MOST_MEGABYTES, MOST_MEGABYTES_TOGETHER = 50, 400
MOST_PIXELS = 100_000_000
"""Of a photo on the page. A decoded picture takes 3 bytes a pixel, and a page has many visitors."""

MOST_FINE_MAPS = 8
"""They take four times the memory of the others: a megabyte each."""

SHOWN_SIDE, THUMB_SIDE = 1024, 192

Place = tuple[str, str, str, int]
"""A photo's key, a model's digest, a mode's name, an input size."""


@dataclass(frozen=True, slots=True)
class PagePhoto:
    """A photo of a visitor.

    Attributes:
        key: sha256 of its content.
        shown, thumb: small JPEGs of it as data addresses.
        ratio: its width over its height.
        example: the name of the shipped example that it is, or None.
    """

    key: str
    name: str
    content: bytes = field(repr=False)
    shown: str = field(repr=False)
    thumb: str = field(repr=False)
    ratio: float
    example: str | None = None


@dataclass(slots=True)
class SessionPhotos:
    """What one visitor has.

    Attributes:
        photos: by key, in the order they came.
        chosen: the key of the one that is looked at.
        feature_maps: by photo, model, mode and input size, what the network saw.
        fine_maps: the same of larger inputs, for fine heat maps: of the photos that were looked at last.
        layers: heat maps as they were drawn, by their values.
    """

    photos: dict[str, PagePhoto] = field(default_factory=dict)
    chosen: str | None = None
    feature_maps: dict[Place, FloatArray] = field(default_factory=dict)
    fine_maps: dict[Place, FloatArray] = field(default_factory=dict)
    layers: dict[bytes, str] = field(default_factory=dict)

    @property
    def photo(self) -> PagePhoto | None:
        """The photo that is looked at."""
        return self.photos.get(self.chosen or "")

    def add(self, name: str, content: bytes, *, example: str | None = None) -> PagePhoto:
        """Take a photo; one that is there already is not taken twice.

        Raises:
            PhotoError: it cannot be read, or is more than a visitor may have.
        """
        key = hashlib.sha256(content).hexdigest()
        if key not in self.photos:
            self._refuse_too_much(name, content)
            self.photos[key] = read_photo(name, content, key=key, example=example)
        if self.photo is None:
            self.chosen = key
        return self.photos[key]

    def remove(self, photo: PagePhoto) -> None:
        """Forget one photo."""
        del self.photos[photo.key]
        if self.chosen == photo.key:
            self.chosen = next(iter(self.photos), None)

    def clear(self) -> None:
        """Forget all photos."""
        self.photos.clear()
        self.feature_maps.clear()
        self.fine_maps.clear()
        self.layers.clear()
        self.chosen = None

    def is_analysed(self, photo: PagePhoto, model: LoadedModel, mode: InferenceMode) -> bool:
        """Whether the network has seen the photo."""
        return (photo.key, model.folder.digest, mode.name, model.folder.manifest.sizes[0]) in self.feature_maps

    def analyse(
        self,
        photo: PagePhoto,
        model: LoadedModel,
        mode: InferenceMode,
        profile: Profile = "balanced",
        *,
        fine: bool = False,
    ) -> Analysis:
        """Tags and heat maps of a photo. The network runs the first time only: thresholds and added tags need it not.

        Args:
            photo, model, mode, profile: what to look at, and how.
            fine: with fine heat maps, for which the network runs once more.

        Raises:
            PhotoError: the photo cannot be read.
        """
        tagger = model.tagger(profile)
        seen = _look(self.feature_maps, photo, model, mode, tagger.embedder.size)
        if not fine or tagger.finer is None:
            return tagger.analysis_of(photo.name, seen)
        closely = _look(self.fine_maps, photo, model, mode, tagger.finer.size)
        while len(self.fine_maps) > MOST_FINE_MAPS:
            del self.fine_maps[next(iter(self.fine_maps))]
        return tagger.analysis_of(photo.name, seen, fine=closely)

    def embeddings(self, model: LoadedModel, mode: InferenceMode) -> FloatArray:
        """(N, K) of all photos, in their order: what the network saw of each for its tags.

        Raises:
            PhotoError: a photo that it has not seen cannot be read.
        """
        size = model.folder.manifest.sizes[0]
        maps = [_look(self.feature_maps, photo, model, mode, size) for photo in self.photos.values()]
        return np.concatenate([embeddings_of(one[None]) for one in maps])

    def _refuse_too_much(self, name: str, content: bytes) -> None:
        if len(content) > MOST_MEGABYTES * 1_000_000:
            raise PhotoError(f"{name}: larger than {MOST_MEGABYTES} MB")
        if len(self.photos) >= MOST_PHOTOS:
            raise PhotoError(f"{name}: there are {MOST_PHOTOS} photos already. Remove them first")
        together = sum(len(photo.content) for photo in self.photos.values()) + len(content)
        if together > MOST_MEGABYTES_TOGETHER * 1_000_000:
            raise PhotoError(f"{name}: all photos together are larger than {MOST_MEGABYTES_TOGETHER} MB")


def _look(
    kept: dict[Place, FloatArray], photo: PagePhoto, model: LoadedModel, mode: InferenceMode, size: int
) -> FloatArray:
    """What the network sees of a photo: it runs where that was not kept, and its latest is kept as the last."""
    place = (photo.key, model.folder.digest, mode.name, size)
    kept[place] = kept.pop(place) if place in kept else model.feature_map(photo.content, mode, size)
    return kept[place]


def read_photo(name: str, content: bytes, *, key: str, example: str | None = None) -> PagePhoto:
    """Make the small pictures of a photo.

    Raises:
        PhotoError: it cannot be read, or has too many pixels.
    """
    try:
        image = open_image(content, max_pixels=MOST_PIXELS, draft=(SHOWN_SIDE, SHOWN_SIDE))
    except PhotoError as error:
        raise PhotoError(f"{name}: {str(error).removeprefix('photo: ')}") from error
    shown = fit(image, min(SHOWN_SIDE, max(image.size)))
    return PagePhoto(
        key, name, content, _address(shown), _address(fit(shown, THUMB_SIDE)), shown.width / shown.height, example
    )


def _address(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=87)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

"""Inference modes: ways to look at a photo. A mode makes a feature map; scores and heat maps follow from it alone.

A new mode is a subclass with `@register` above it; the page offers a choice as soon as there are two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from vectortag.core.types import FloatArray
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import Photo


class InferenceMode(ABC):
    """A way to look at a photo.

    Attributes:
        name: what the page and its address call it.
        about: one sentence for its user.
    """

    name: str
    about: str

    @abstractmethod
    def feature_map(self, embedder: Embedder, photo: Photo) -> FloatArray:
        """(K, h, w) float32: any grid will do, as long as its mean is the photo's embedding.

        Raises:
            PhotoError: the photo cannot be read.
        """


Mode = TypeVar("Mode", bound=type[InferenceMode])

MODES: dict[str, InferenceMode] = {}
"""By name, in the order in which they were registered; the first is the default."""


def register(mode: Mode) -> Mode:
    """Offer a mode under its name.

    Raises:
        ValueError: another mode has that name.
    """
    if mode.name in MODES:
        raise ValueError(f'an inference mode "{mode.name}" is registered already')
    MODES[mode.name] = mode()
    return mode


@register
class Standard(InferenceMode):
    """The whole photo at the model's own size: what `vectortag tag` does."""

    name = "standard"
    about = "The whole photo, once, at the model's own size."

    def feature_map(self, embedder: Embedder, photo: Photo) -> FloatArray:
        return embedder.feature_map(photo)

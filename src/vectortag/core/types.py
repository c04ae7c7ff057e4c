"""The frozen values that the packages exchange."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from vectortag.core.errors import PhotoError

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]
Images = ByteArray | FloatArray
"""What a network gets: pixels (N, H, W, 3) uint8, or the normalised planes (N, 3, H, W) of an encoder."""

Arithmetic = Literal["f32", "bf16", "int8"]
"""The precision of a network."""

DIGITS = 6
"""Decimals of a score in JSON and CSV: more than float32 distinguishes."""

UNKNOWN = 255
"""In a target array: unknown whether the photo has the tag. It is neither counted nor trained on."""


class TagScore(Struct, frozen=True, gc=False):  # made for every tag of every photo: in a tenth of a dataclass's time
    """One tag of one photo: `score` in [0, 1], calibrated; `threshold` is the tag's own, or None."""

    tag: str
    score: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo that is no file of its own: an object in a bucket, or a row of a Parquet file.

    Attributes:
        name: its URL, or the path that its row gives; outputs have it as the path.
        content: its bytes, or why they cannot be read.
    """

    name: str
    content: bytes | PhotoError


class PackedPhoto(ABC):
    """A photo inside a larger file, whose bytes are read only when it is decoded.

    Attributes:
        name: as messages have it.
        content: the SHA-256 of its bytes.
        key: changes with anything that `load_pixels` may read of it.
        is_remote: whether it is fetched from an object store.
    """

    __slots__ = ()

    name: str
    content: bytes

    @property
    def key(self) -> bytes:
        return self.content

    def at(self, size: int) -> PackedPhoto:  # noqa: ARG002
        """The copy of it that has `size` pixels a side; itself where there is none."""
        return self

    @property
    @abstractmethod
    def is_remote(self) -> bool: ...

    @abstractmethod
    def read(self) -> StoredPhoto:
        """Its bytes, or why they cannot be read."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """The tags of one photo, with the scores of all tags.

    Attributes:
        path: the photo, as the caller named it; None for a picture from memory.
        model: `name@digest` of the model folder.
        runtime: the runtime of the network, for example "openvino".
        precision: of the network.
        size: side of the network's input, in pixels.
        tags: the tags whose score reaches their threshold, and their parents, highest score first.
        scores: of every tag: those of the model, in the manifest's order, then the added ones.
        guesses: where `tags` is empty, the tags that the photo most likely shows, best first. They may well be wrong,
            and are no tags. Empty where nothing is likely enough.
        ancestors: the tags that each tag implies.
        embedding: (K,), what the scores were computed from, by `Tagger.tag_many`; else None.
    """

    path: str | None
    model: str
    runtime: str
    precision: Arithmetic
    size: int
    tags: tuple[TagScore, ...]
    scores: tuple[TagScore, ...]
    guesses: tuple[TagScore, ...] = ()
    ancestors: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    embedding: FloatArray | None = field(default=None, repr=False, compare=False)

    @property
    def implied(self) -> tuple[str, ...]:
        """Those of `tags` whose own score is below their threshold: parents that are shown with their children."""
        return tuple(one.tag for one in self.tags if one.threshold is None or one.score < one.threshold)

    def __getitem__(self, tag: str) -> TagScore:
        """The score of one tag by its name; KeyError if the model does not have it."""
        for scored in self.scores:
            if scored.tag == tag:
                return scored
        raise KeyError(tag)

    def select(
        self, *, threshold: float | None = None, top_k: int | None = None, all_scores: bool = False
    ) -> Sequence[TagScore]:
        """The tags to show: best first, or every one in the model's order.

        Args:
            threshold: one for all tags, instead of each tag's own; parents are shown with their children, too.
            top_k: at most this many.
            all_scores: every tag; the other two are ignored then.
        """
        if all_scores:
            return self.scores
        chosen: Sequence[TagScore] = self.tags
        if threshold is not None:
            reached = {one.tag for one in self.scores if one.score >= threshold}
            shown = reached.union(*(self.ancestors.get(tag, ()) for tag in reached))
            chosen = sorted((one for one in self.scores if one.tag in shown), key=lambda scored: -scored.score)
        return chosen[:top_k]


@dataclass(frozen=True, slots=True)
class FailedTagging:
    """A photo that could not be tagged; it keeps its position in the output, and has no tags."""

    path: str
    error: Exception


class Heatmap(Struct, frozen=True, gc=False, eq=False):
    """The heat map of a tag: where in the photo the model sees it.

    Attributes:
        values: (h, w) float32 in [0, 1] on the network's grid, stretched over the whole photo.
        tag: the tag that was asked for.
        source: the tag whose map it is: for a parent, the child that gave it its score; else `tag` itself.
        score: the tag's score for the whole photo.
    """

    values: FloatArray
    tag: str
    source: str
    score: float

    @property
    def is_empty(self) -> bool:
        """True if no part of the photo supports the tag: the map is zero everywhere."""
        return not bool(self.values.any())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)  # type: ignore[call-overload,no-any-return,unused-ignore]

"""A model as a library uses it: what names its scores and embeddings for good. Its network is opened only on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vectortag.core.schema import to_json
from vectortag.core.types import Arithmetic, FloatArray
from vectortag.inference.scorer import Scorer
from vectortag.model.calibration import Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Choice, Precision, choose, open_model
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import Additions, read_additions
from vectortag.personal.corrected_rows import Refit, read_refits
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.session import Runtime

ALWAYS_KEPT = 0.05
"""Scores from here on, or from a lower threshold on, are in the table `shown`."""


class Analyser(Protocol):
    """What gives the photos of a library embeddings, and scores for tags if it has some.

    Attributes:
        name, digest: of its folder; `id` is short for both.
        network_digest, precision, size: what its embeddings depend on.
        tags: T names: its own, which are `own`, then the added ones.
        prints: (T) for each tag, what its scores depend on besides the folder.
        thresholds, floors: (T,).
        parents: each added tag and the tags that it implies.
    """

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def network_digest(self) -> str: ...
    @property
    def precision(self) -> Arithmetic: ...
    @property
    def size(self) -> int: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def own(self) -> int: ...
    @property
    def prints(self) -> tuple[str, ...]: ...
    @property
    def thresholds(self) -> npt.NDArray[np.floating]: ...
    @property
    def floors(self) -> FloatArray: ...
    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]: ...

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, T)."""

    def above(self, tag: int) -> Sequence[int]:
        """The indexes of the parents of one of its own tags."""

    def open_embedder(self, *, threads: int | None = None, max_pixels: int | None = None) -> Embedder:
        """Load the network."""


@dataclass(frozen=True, eq=False)
class LibraryModel:
    """A model with the user's added tags and corrections, at the input size and thresholds of a profile.

    Attributes:
        prints: (T) for each tag, what its scores depend on besides the model folder; "" for nothing.
        parents: each added tag and the tags of the model that it implies.
        choice: runtime and precision of its network here.
    """

    folder: ModelFolder
    scorer: Scorer
    choice: Choice
    size: int
    prints: tuple[str, ...]
    parents: dict[str, tuple[str, ...]]

    @classmethod
    def load(
        cls,
        model: str | Path | ModelFolder | None = None,
        *,
        profile: Profile = "balanced",
        runtime: Runtime = "auto",
        precision: Precision = "auto",
    ) -> LibraryModel:
        """Read a model by name or path, without its network.

        Raises:
            UnknownModelError, ModelFolderError: as `vectortag.model.registry.find_model_folder`.
        """
        folder = find_model_folder(model)
        size = folder.manifest.point_for(profile).size
        additions, refits = read_additions(folder), read_refits(folder)
        scorer = Scorer.of(folder, size, profile, additions, refits)
        choice = choose(folder, runtime=runtime, precision=precision)
        parents = {tag.name: tag.parents for tag in additions.tags}
        return cls(folder, scorer, choice, size, prints_of(scorer.tags, additions, refits), parents)

    @property
    def name(self) -> str:
        """Of the manifest."""
        return self.folder.manifest.name

    @property
    def id(self) -> str:
        """`name@digest`, short."""
        return self.folder.id

    @property
    def digest(self) -> str:
        """Of the model folder."""
        return self.folder.digest

    @property
    def tags(self) -> tuple[str, ...]:
        """The model's own, then the added ones."""
        return self.scorer.tags

    @property
    def own(self) -> int:
        """How many tags are the model's own."""
        return len(self.folder.manifest.tags)

    @property
    def thresholds(self) -> npt.NDArray[np.floating]:
        """(T,), of the profile."""
        return self.scorer.thresholds

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, T), parents raised."""
        return self.scorer.scores(embeddings)

    def above(self, tag: int) -> Sequence[int]:
        """The indexes of the parents of one of the model's own tags."""
        return self.scorer.hierarchy.above(tag)

    @property
    def precision(self) -> Arithmetic:
        """Of the network."""
        return self.choice.precision

    @property
    def network_digest(self) -> str:
        """Names the network and how photos become its pixels: with the same precision and size, embeddings are the
        same."""
        manifest = self.folder.manifest
        network = manifest.files[self.folder.network_in(self.precision).name]
        return hashlib.sha256(f"{network} {to_json(manifest.pixels)}".encode()).hexdigest()

    @property
    def floors(self) -> FloatArray:
        """(T,): the score from which each tag is in the table `shown`."""
        return floors_of(np.asarray(self.scorer.thresholds, np.float32))

    def open_embedder(self, *, threads: int | None = None, max_pixels: int | None = None) -> Embedder:
        """Load the network.

        Raises:
            MissingExtraError, ModelFolderError: as `vectortag.model.precision.open_model`.
        """
        precision: Precision = "exact" if self.precision == "f32" else self.precision
        session = open_model(self.folder, runtime=self.choice.runtime, precision=precision, threads=threads)
        return Embedder(session, self.folder.manifest.pixels, self.size, max_pixels)


def floors_of(thresholds: FloatArray) -> FloatArray:
    """(T,): from thresholds, the lower of each and `ALWAYS_KEPT`; NaN, "never shown", gives the latter."""
    return np.fmin(thresholds, np.float32(ALWAYS_KEPT))


def prints_of(tags: Sequence[str], additions: Additions, refits: Sequence[Refit]) -> tuple[str, ...]:
    """(T) for each tag, what its scores depend on besides the model folder; "" for nothing."""
    content = {
        tag.name: to_json(tag).encode() + row.tobytes() for tag, row in zip(additions.tags, additions.rows, strict=True)
    }
    content |= {refit.tag: refit.w.tobytes() + np.float64(refit.b).tobytes() for refit in refits}
    return tuple(hashlib.sha256(content[tag]).hexdigest()[:16] if tag in content else "" for tag in tags)

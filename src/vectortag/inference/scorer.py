"""From embeddings to calibrated scores and tags: all of a model behind its network, as one frozen value."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray, TagScore
from vectortag.model.added_block import AddedBlock
from vectortag.model.calibration import Calibration, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.manifest import Manifest
from vectortag.personal.added_tags import Additions
from vectortag.personal.corrected_rows import Refit
from vectortag.personal.from_words import knows_words
from vectortag.personal.names import index_of


@dataclass(frozen=True, eq=False)
class Scorer:
    """Head, calibration, hierarchy and tags of a model, with what a user added to it.

    Attributes:
        manifest: of the model; its taxonomy knows the synonyms of tags.
        tags: T names: the model's own in the manifest's order, then the added ones.
        head: embeddings (N, K) -> logits (N, T).
        calibration: from logits to scores, (T,) float32.
        thresholds: (T,) float32, the calibration's for one profile; NaN: the tag is never shown.
        hierarchy: parents and children among the model's own tags.
        parents: each added tag and the tags of the model that it implies.
    """

    manifest: Manifest
    tags: tuple[str, ...]
    head: Head
    calibration: Calibration
    thresholds: npt.NDArray[np.floating]
    hierarchy: Hierarchy
    parents: dict[str, tuple[str, ...]]

    @classmethod
    def of(
        cls, folder: ModelFolder, size: int, profile: Profile, additions: Additions, refits: Sequence[Refit]
    ) -> Scorer:
        """The scorer of a model folder at one input size, with the user's added tags and corrected rows."""
        manifest, head, added = folder.manifest, folder.head, additions.tags
        for refit in refits:
            head = head.moved(manifest.tags.index(refit.tag), refit.w, refit.b)
        if added:
            words = knows_words(folder) if additions.embedded else None
            head = Head((*head.blocks, AddedBlock(folder.head, additions.rows, words, additions.embedded)))
        own = manifest.operating_point(size).calibration
        calibration = Calibration.joined([own, *(tag.calibration for tag in added)])
        return cls(
            manifest=manifest,
            tags=(*manifest.tags, *(tag.name for tag in added)),
            head=head,
            calibration=calibration,
            thresholds=calibration.thresholds[profile],
            hierarchy=Hierarchy.of(manifest.tags, manifest.taxonomy),
            parents={tag.name: tag.parents for tag in added},
        )

    @functools.cached_property
    def _indices(self) -> dict[str, int]:
        return {tag: index for index, tag in enumerate(self.tags)}

    @functools.cached_property
    def _limits(self) -> list[float | None]:
        return [None if np.isnan(threshold) else float(threshold) for threshold in self.thresholds]

    def index(self, tag: str) -> int:
        """The index of a tag among `tags`; or of a synonym in the taxonomy.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        return index_of(tag, self._indices, self.manifest)

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated logits, before parents are raised: (N, K) -> (N, T)."""
        return self.calibration.logits(self.head.logits(embeddings))

    def own_scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores, before parents are raised: (N, K) -> (N, T)."""
        return self.calibration.scores(self.head.logits(embeddings))

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores; a parent never scores lower than its child: (N, K) -> (N, T)."""
        return self.hierarchy.raise_parents(self.own_scores(embeddings))

    def with_thresholds(self, scores: FloatArray) -> tuple[TagScore, ...]:
        """The scores of one photo, (T,), each beside its tag and threshold."""
        return tuple(map(TagScore, self.tags, scores.tolist(), self._limits))

    def shown(self, scores: FloatArray, scored: Sequence[TagScore]) -> tuple[TagScore, ...]:
        """Those of `scored` whose score, in (T,) `scores`, reaches its threshold, highest first."""
        reached = [scored[index] for index in np.flatnonzero(scores >= self.thresholds).tolist()]
        return tuple(sorted(reached, key=lambda one: -one.score))

    def implied(self, shown: Sequence[TagScore]) -> tuple[str, ...]:
        """Parents of shown added tags that are not shown themselves, in the model's order."""
        if not self.parents:
            return ()
        names = {one.tag for one in shown}
        above = {parent for name in names for parent in self.parents.get(name, ())}
        return tuple(tag for tag in self.manifest.tags if tag in above - names)

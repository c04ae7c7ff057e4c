"""From embeddings to calibrated scores and tags: all of a model behind its network, as one frozen value."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray, TagScore
from vectortag.inference.guesses import best_guesses
from vectortag.model.added_block import AddedBlock
from vectortag.model.calibration import Calibration, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.hierarchy import Hierarchy
from vectortag.personal.added_tags import Additions
from vectortag.personal.corrected_rows import Refit
from vectortag.personal.from_words import knows_words
from vectortag.personal.names import index_of


@dataclass(frozen=True, eq=False)
class Scorer:
    """Head, calibration, hierarchy and tags of a model, with what a user added to it.

    Attributes:
        folder: of the model; the taxonomy of its manifest knows the synonyms of tags.
        tags: T names: the model's own in the manifest's order, then the added ones.
        head: embeddings (N, K) -> logits (N, T).
        calibration: from logits to scores, (T,) float32.
        thresholds: (T,) float32, the calibration's for one profile; NaN: the tag is never shown.
        hierarchy: parents and children among the model's own tags, by which scores are raised.
        family: the same with the added tags, by which tags are shown: an added tag raises no other score.
    """

    folder: ModelFolder
    tags: tuple[str, ...]
    head: Head
    calibration: Calibration
    thresholds: npt.NDArray[np.floating]
    hierarchy: Hierarchy
    family: Hierarchy

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
        tags = (*manifest.tags, *(tag.name for tag in added))
        indexes = {tag: index for index, tag in enumerate(tags)}
        hierarchy = Hierarchy.of(manifest.tags, manifest.taxonomy)
        own = manifest.operating_point(size).calibration
        calibration = Calibration.joined([own, *(tag.calibration for tag in added)])
        return cls(
            folder=folder,
            tags=tags,
            head=head,
            calibration=calibration,
            thresholds=calibration.thresholds[profile],
            hierarchy=hierarchy,
            family=hierarchy.with_children({indexes[tag.name]: map(indexes.__getitem__, tag.parents) for tag in added}),
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
        return index_of(tag, self._indices, self.folder.manifest)

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated logits, before parents are raised: (N, K) -> (N, T)."""
        return self.calibration.logits(self.head.logits(embeddings))

    def own_scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores, before parents are raised: (N, K) -> (N, T)."""
        return self.calibration.scores(self.head.logits(embeddings))

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores; a parent never scores lower than its child: (N, K) -> (N, T)."""
        return self.hierarchy.raise_parents(self.own_scores(embeddings))

    def shown(self, scores: FloatArray) -> npt.NDArray[np.bool_]:
        """Which tags are shown: those whose score reaches their threshold, and their parents: (N, T) -> (N, T)."""
        return self.family.shown(scores, self.thresholds)

    def with_thresholds(self, scores: FloatArray) -> tuple[TagScore, ...]:
        """The scores of one photo, (T,), each beside its tag and threshold."""
        return tuple(map(TagScore, self.tags, scores.tolist(), self._limits))

    def guesses(self, scores: FloatArray, scored: Sequence[TagScore]) -> tuple[TagScore, ...]:
        """The best guesses among the tags of one photo, `scored` and (T,) `scores`; see `best_guesses`.

        Tags that the taxonomy calls careful, such as "woman", are never guessed, and nothing is where the model folder
        has no background photos that tell what scores are usual.
        """
        if self._usual is None:
            return ()
        return tuple(scored[index] for index in best_guesses(scores, self._usual, self._guessable, self.family))

    @functools.cached_property
    def _usual(self) -> FloatArray | None:
        """(T,) the average score of each tag on the background photos."""
        background = self.folder.background
        return None if background is None else self.scores(background).mean(axis=0)

    @functools.cached_property
    def _guessable(self) -> npt.NDArray[np.bool_]:
        careful = self.folder.manifest.taxonomy.careful
        return ~np.isnan(self.thresholds) & np.array([tag not in careful for tag in self.tags])

    @functools.cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """The tags that each tag implies, in the model's order; without the tags that imply none."""
        above: dict[str, list[str]] = {}
        for parent, children in self.family.descendants.items():
            for child in children:
                above.setdefault(self.tags[child], []).append(self.tags[parent])
        return {tag: tuple(parents) for tag, parents in above.items()}

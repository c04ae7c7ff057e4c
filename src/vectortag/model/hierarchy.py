"""The taxonomy among a model's tags: raises a parent's score to its children's, and shows a parent with its child."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray
from vectortag.model.taxonomy import Taxonomy


@dataclass(frozen=True)
class Hierarchy:
    """Attributes: `descendants` maps the index of each parent to the indexes of all its descendants."""

    descendants: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, tags: Sequence[str], taxonomy: Taxonomy) -> Hierarchy:
        """The part of a taxonomy that concerns these tags, as indexes into them.

        >>> Hierarchy.of(["dog", "animal"], Taxonomy(implications={"dog": ["animal"]}))
        Hierarchy(descendants={1: (0,)})
        """
        indexes = {tag: index for index, tag in enumerate(tags)}
        below: dict[int, list[int]] = {}
        for child, tag in enumerate(tags):
            for ancestor in taxonomy.ancestors(tag):
                if ancestor in indexes:
                    below.setdefault(indexes[ancestor], []).append(child)
        return cls({parent: tuple(children) for parent, children in sorted(below.items())})

    def with_children(self, parents: Mapping[int, Iterable[int]]) -> Hierarchy:
        """The same with further tags.

        Args:
            parents: by the index of each further tag, the indexes of all its ancestors.
        """
        below = {parent: list(children) for parent, children in self.descendants.items()}
        for child, ancestors in parents.items():
            for ancestor in ancestors:
                below.setdefault(ancestor, []).append(child)
        return Hierarchy({parent: tuple(children) for parent, children in sorted(below.items())})

    def above(self, index: int) -> list[int]:
        """The indexes of a tag's ancestors."""
        return [parent for parent, below in self.descendants.items() if index in below]

    def raise_parents(self, scores: FloatArray) -> FloatArray:
        """Return (N, T) scores in which no parent is below any of its descendants."""
        parents, families = self.families
        raised = scores.copy()
        raised[:, parents] = scores[:, families].max(axis=2)  # (N, P, M) -> (N, P)
        return raised

    def shown(self, scores: FloatArray, thresholds: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Which tags are shown: those whose score reaches their threshold, and all ancestors of these.

        A parent is shown with its child even if its own threshold is higher, or NaN.

        Args:
            scores: (N, T), with raised parents.
            thresholds: (T,), NaN for a tag that is never shown for its own score.

        Returns:
            (N, T) bool.
        """
        parents, families = self.families
        shown = scores >= thresholds
        shown[:, parents] = shown[:, families].any(axis=2)  # (N, P, M) -> (N, P)
        return shown

    def sources(self, own_scores: FloatArray) -> npt.NDArray[np.intp]:
        """For each tag the index of the tag that gave it its score, itself or a descendant: (T,) before raising."""
        parents, families = self.families
        sources = np.arange(len(own_scores))
        best = own_scores[families].argmax(axis=1)  # (P,)
        sources[parents] = families[np.arange(len(parents)), best]
        return sources

    @functools.cached_property
    def families(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The indexes of the parents, (P,), and of each parent with its descendants, (P, M), padded with the parent."""
        longest = max(map(len, self.descendants.values()), default=0) + 1
        families = [
            [parent, *below] + [parent] * (longest - 1 - len(below)) for parent, below in self.descendants.items()
        ]
        return np.array([*self.descendants], np.intp), np.array(families, np.intp).reshape(-1, longest)

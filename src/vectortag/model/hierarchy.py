"""The taxonomy among a model's own tags: a parent's score is the maximum of its own and its children's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
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

    def above(self, index: int) -> list[int]:
        """The indexes of a tag's ancestors."""
        return [parent for parent, below in self.descendants.items() if index in below]

    def raise_parents(self, scores: FloatArray) -> FloatArray:
        """Return (N, T) scores in which no parent is below any of its descendants."""
        parents, families = self._families
        raised = scores.copy()
        raised[:, parents] = scores[:, families].max(axis=2)  # (N, P, M) -> (N, P)
        return raised

    def sources(self, own_scores: FloatArray) -> npt.NDArray[np.intp]:
        """For each tag the index of the tag that gave it its score, itself or a descendant: (T,) before raising."""
        parents, families = self._families
        sources = np.arange(len(own_scores))
        best = own_scores[families].argmax(axis=1)  # (P,)
        sources[parents] = families[np.arange(len(parents)), best]
        return sources

    @functools.cached_property
    def _families(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The indexes of the parents, (P,), and of each parent with its descendants, (P, M), padded with the parent."""
        longest = max(map(len, self.descendants.values()), default=0) + 1
        families = [
            [parent, *below] + [parent] * (longest - 1 - len(below)) for parent, below in self.descendants.items()
        ]
        return np.array([*self.descendants], np.intp), np.array(families, np.intp).reshape(-1, longest)

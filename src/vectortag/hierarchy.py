"""The taxonomy among a model's own tags: a parent's score is the maximum of its own and its children's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.taxonomy import Taxonomy
from vectortag.types import FloatArray


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Attributes: `descendants` maps the place of each parent to the places of all its descendants."""

    descendants: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, tags: Sequence[str], taxonomy: Taxonomy) -> Hierarchy:
        """The part of a taxonomy that lies among these tags, as places in their order.

        >>> Hierarchy.of(["dog", "animal"], Taxonomy(implications={"dog": ["animal"]}))
        Hierarchy(descendants={1: (0,)})
        """
        below: dict[int, list[int]] = {}
        for child, tag in enumerate(tags):
            for parent, ancestor in enumerate(tags):
                if ancestor in taxonomy.ancestors(tag):
                    below.setdefault(parent, []).append(child)
        return cls({parent: tuple(children) for parent, children in sorted(below.items())})

    def raise_parents(self, scores: FloatArray) -> FloatArray:
        """Return (N, T) scores in which no parent is below any of its descendants."""
        raised = scores.copy()
        for parent, below in self.descendants.items():
            raised[:, parent] = scores[:, [parent, *below]].max(axis=1)
        return raised

    def source(self, place: int, own_scores: FloatArray) -> int:
        """The place of the tag that gave `place` its score: itself or a descendant; (T,) scores before raising."""
        candidates = [place, *self.descendants.get(place, ())]
        return candidates[int(np.argmax(own_scores[candidates]))]

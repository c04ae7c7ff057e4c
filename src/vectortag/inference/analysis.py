"""One photo after its forward pass: tags, and the heat map of any tag, from the same feature map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vectortag.core.types import FloatArray, Heatmap, Tagging
from vectortag.inference.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Analysis:
    """One photo after its forward pass: its tagging, and every heat map on demand.

    Attributes:
        scorer: head, calibration and tags of the model.
        feature_map: (K, h, w), what the scores come from.
        own_scores: (T,), before parents are raised.
        fine: (K, H, W) of a larger input, what the heat maps come from; None where that is `feature_map`, too.
    """

    scorer: Scorer
    feature_map: FloatArray
    own_scores: FloatArray
    tagging: Tagging
    fine: FloatArray | None = None

    def heatmap(self, tag: str) -> Heatmap:
        """The heat map of a tag; for a parent, of the child that its score comes from.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        return self.heatmaps([tag])[0]

    def heatmaps(self, tags: Iterable[str] | None = None) -> list[Heatmap]:
        """The maps of some tags, or of all in the model's order.

        Raises:
            UnknownTagError: the model does not have one of the tags.
        """
        scorer = self.scorer
        chosen = [*range(len(scorer.tags))] if tags is None else [scorer.index(tag) for tag in tags]
        sources = scorer.hierarchy.sources(self.own_scores)[chosen]
        return list(
            map(
                Heatmap,
                scorer.head.maps(self.feature_map if self.fine is None else self.fine, sources),
                [scorer.tags[index] for index in chosen],
                [scorer.tags[source] for source in sources.tolist()],
                self.own_scores[sources].tolist(),
            )
        )

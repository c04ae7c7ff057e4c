"""Tags that a user added to a model: one row each on features that the model's own head computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import sigmoid, unit, unit_gradient
from vectortag.core.types import FloatArray
from vectortag.model.blocks import Block, BlockKind, MlpBlock, features_of
from vectortag.model.head import Head
from vectortag.model.words.similarity import WordEmbedding, Words, values


@dataclass(frozen=True, slots=True)
class AddedBlock:
    """Tags that were added to a model: one row each on the features that its head makes; see `new_tag_features`.

    To the logit of a tag that has words, what these say of a photo is added; see words/similarity.py.
    """

    below: Head
    w: FloatArray  # (T, F)
    words: Words | None = None
    embedded: Mapping[int, WordEmbedding] = field(default_factory=dict)  # by the tag's row
    kind: ClassVar[BlockKind] = "added"

    @property
    def tag_count(self) -> int:
        return self.w.shape[0]

    @property
    def width(self) -> int:
        return self.below.blocks[0].width

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """Each tag by a product of its own: in one for all, a tag's last bits would depend on how many there are."""
        features = new_tag_features(self.below, embeddings)
        logits = np.stack([features @ row for row in self.w], axis=1)
        if self.words is not None and self.embedded:
            views = self.words.views(embeddings)
            for row, embedded in self.embedded.items():
                logits[:, row] += values(embedded, views)
        return logits

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:
        """Through both directions, then through the ReLU, and through the scores to all tags of the head below."""
        first = self.below.blocks[0]
        features = features_of(first, embedding[None])[0]  # (H,)
        scores = sigmoid(self.below.logits(embedding[None])[0])  # (T,)
        of_features = unit_gradient(self.w[rows, : len(features)], features).astype(np.float32)
        of_roots = unit_gradient(self.w[rows, len(features) :], np.sqrt(scores)).astype(np.float32)
        of_logits = of_roots * (0.5 * np.sqrt(scores) * (1 - scores))
        if isinstance(first, MlpBlock):
            through_features = first.pull_back(of_features, features, directions)
        else:
            through_features = of_features @ directions
        changes: FloatArray = through_features + of_logits.astype(np.float32) @ self.below.along(
            embedding, range(len(scores)), directions
        )
        for index, row in enumerate(rows.tolist()):
            if self.words is not None and row in self.embedded:
                changes[index] += self.words.along(self.embedded[row], embedding, directions)
        return changes

    def moved(self, row: int, w: FloatArray, b: float) -> Block:  # noqa: ARG002
        raise TypeError("a tag that was added is fitted again instead")

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"w": self.w}


def new_tag_features(head: Head, embeddings: FloatArray) -> FloatArray:
    """What new tags are fitted on, (.., K) -> (.., F): where the head's hidden values point, and where its scores do.

    Two directions, side by side, each of length 1: of the first block's hidden values, and of the square roots of the
    scores of all tags before calibration. `new_tag_parts` says how wide they are.
    """
    flat = embeddings.reshape(-1, embeddings.shape[-1])
    roots = np.sqrt(sigmoid(head.logits(flat))).astype(np.float32)
    both = np.concatenate([unit(features_of(head.blocks[0], flat)), unit(roots)], axis=1)
    return both.reshape(*embeddings.shape[:-1], both.shape[1])


def new_tag_parts(head: Head) -> tuple[int, int]:
    """The widths of the two directions in `new_tag_features`."""
    first = head.blocks[0]
    return len(first.w1) if isinstance(first, MlpBlock) else first.width, head.tag_count

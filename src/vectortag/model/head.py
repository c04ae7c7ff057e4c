"""The head: from an embedding to one logit a tag, and back to the cells of the feature map, in numpy.

A head is a list of blocks, each with its own tags. A block knows two things in closed form: its logits, and how each
logit changes along any direction of the embedding. The second is all that Grad-CAM needs (Selvaraju et al. 2017,
arXiv:1610.02391): the embedding is the mean of the feature map over its h*w cells, so the gradient for every cell of
channel k is `gradient[k] / (h * w)`, and the raw map is `relu(sum_k gradient[k] * feature_map[k])`, which is the change
along each cell; its scale cancels when the map is scaled to [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ShapeError
from vectortag.core.types import FloatArray
from vectortag.model.blocks import Block

Indexes = Sequence[int] | npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Head:
    """All blocks of a model; its tags are those of its blocks, one after the other."""

    blocks: Sequence[Block]

    @property
    def tag_count(self) -> int:
        return sum(block.tag_count for block in self.blocks)

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, T).

        Raises:
            ShapeError: the embeddings are not as wide as the head expects.
        """
        width = self.blocks[0].width
        if embeddings.ndim != 2 or embeddings.shape[1] != width:
            raise ShapeError(f"expected embeddings of shape (N, {width}), got {embeddings.shape}")
        return np.concatenate([block.logits(embeddings) for block in self.blocks], axis=1)

    def block_of(self, index: int) -> tuple[int, int]:
        """Which block a tag belongs to, and its row there."""
        for number, block in enumerate(self.blocks):
            if index < block.tag_count:
                return number, index
            index -= block.tag_count
        raise IndexError(f"the head has {self.tag_count} tags")

    def moved(self, index: int, w: FloatArray, b: float) -> Head:
        """The head with `features @ w + b` added to the logit of one tag; see `features_of`."""
        number, row = self.block_of(index)
        blocks = list(self.blocks)
        blocks[number] = blocks[number].moved(row, w, b)
        return Head(tuple(blocks))

    def along(self, embedding: FloatArray, tags: Indexes, directions: FloatArray) -> FloatArray:
        """d logit / d embedding for the tags at these indexes, times directions: (K,), (K, n) -> (len(tags), n).

        Raises:
            IndexError: the head has no tag at one of the indexes.
        """
        changes = np.empty((len(tags), directions.shape[1]), np.float32)
        wanted = np.asarray(tags, np.intp)
        if ((wanted < 0) | (wanted >= self.tag_count)).any():
            raise IndexError(f"expected indexes from 0 to {self.tag_count - 1}, got {list(tags)}")
        first = 0
        for block in self.blocks:
            here = np.flatnonzero((wanted >= first) & (wanted < first + block.tag_count))
            if len(here):
                changes[here] = block.along(embedding, wanted[here] - first, directions)
            first += block.tag_count
        return changes

    def maps(self, feature_map: FloatArray, tags: Indexes) -> FloatArray:
        """Grad-CAM of some tags on one photo: (K, h, w) -> (len(tags), h, w) in [0, 1].

        Each map goes through ReLU and is scaled to [0, 1] by its minimum and maximum; a map of zeros stays zero.
        """
        cells = feature_map.reshape(len(feature_map), -1)  # (K, h*w)
        changes = self.along(cells.mean(axis=1), tags, cells)  # (R, h*w)
        return scaled_maps(changes).reshape(len(tags), *feature_map.shape[1:])


def scaled_maps(changes: FloatArray) -> FloatArray:
    """From the change along each cell to a map: (R, h*w) -> (R, h*w) in [0, 1]; one without a rise stays zero."""
    maps = np.maximum(changes, 0)
    maps -= maps.min(axis=1, keepdims=True)
    peaks = maps.max(axis=1, keepdims=True)
    np.divide(maps, peaks, out=maps, where=peaks > 0)
    return maps

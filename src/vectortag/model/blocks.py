"""The blocks of a head: each computes the logits of some tags, and how these change along directions, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import TINY
from vectortag.core.types import FloatArray
from vectortag.model.classifier import Classifier

StoredKind = Literal["mlp", "joint", "linear", "softmax_groups"]
BlockKind = Literal["mlp", "joint", "linear", "softmax_groups", "added"]


class Block(Protocol):
    """Some tags of a head. K is the embedding's width, T the number of this block's tags."""

    kind: ClassVar[BlockKind]

    @property
    def tag_count(self) -> int: ...

    @property
    def width(self) -> int: ...

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, T)."""
        ...

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:
        """d logit / d embedding for some of the block's tags, times directions: (K,), (R,), (K, n) -> (R, n)."""
        ...

    def moved(self, row: int, w: FloatArray, b: float) -> Block:
        """The block with `features @ w + b` added to the logit of one of its tags; see `features_of`."""
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The block's matrices by name, as they are stored."""
        ...


@dataclass(frozen=True, slots=True)
class MlpBlock:
    """Linear -> ReLU -> Dropout -> Linear, the original design; dropout does nothing after training."""

    w1: FloatArray  # (H, K)
    b1: FloatArray  # (H,)
    w2: FloatArray  # (T, H)
    b2: FloatArray  # (T,)
    kind: ClassVar[BlockKind] = "mlp"

    @property
    def tag_count(self) -> int:
        return self.w2.shape[0]

    @property
    def width(self) -> int:
        return self.w1.shape[1]

    def hidden(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, H), after ReLU."""
        return np.maximum(embeddings @ self.w1.T + self.b1, 0)

    def logits(self, embeddings: FloatArray) -> FloatArray:
        return self.hidden(embeddings) @ self.w2.T + self.b2

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:
        return self.pull_back(self.w2[rows], self.hidden(embedding[None])[0], directions)

    def pull_back(self, gradients: FloatArray, hidden: FloatArray, directions: FloatArray) -> FloatArray:
        """Gradients with respect to the hidden values, times directions: (R, H), (H,), (K, n) -> (R, n)."""
        active = np.flatnonzero(hidden > 0)
        chain = [gradients.take(active, axis=1), self.w1[active], directions]  # (R, H') @ (H', K) @ (K, n)
        return np.linalg.multi_dot(chain)  # in the cheaper order: for all tags, the right product first

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"w1": self.w1, "b1": self.b1, "w2": self.w2, "b2": self.b2}

    def moved(self, row: int, w: FloatArray, b: float) -> MlpBlock:
        return replace(self, w2=_with_row(self.w2, row, w), b2=_with_row(self.b2, row, b))


@dataclass(frozen=True, slots=True)
class LinearBlock:
    """One linear classifier a tag."""

    w: FloatArray  # (T, K)
    b: FloatArray  # (T,)
    kind: ClassVar[BlockKind] = "linear"

    @property
    def tag_count(self) -> int:
        return self.w.shape[0]

    @property
    def width(self) -> int:
        return self.w.shape[1]

    def logits(self, embeddings: FloatArray) -> FloatArray:
        return embeddings @ self.w.T + self.b

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:  # noqa: ARG002
        return self.w[rows] @ directions

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"w": self.w, "b": self.b}

    def moved(self, row: int, w: FloatArray, b: float) -> LinearBlock:
        return LinearBlock(_with_row(self.w, row, w), _with_row(self.b, row, b))


@dataclass(frozen=True, slots=True)
class SoftmaxGroupsBlock:
    """A tag is a group of the classes that the backbone was pretrained with, and its score the sum of their softmax.

    So it knows things that no tagged photo has named. The logit is the logarithm of the odds of the group,
    `log(sum of exp over the group) - log(sum of exp over all other classes)`.
    """

    classifier: Classifier
    groups: npt.NDArray[np.uint8]  # (T, C), 1 where a class is of the tag
    shift: LinearBlock | None = None  # added to the logits: what was learnt from corrections
    kind: ClassVar[BlockKind] = "softmax_groups"
    _named: npt.NDArray[np.intp] = field(init=False, repr=False)  # (U,), the classes of any group
    _others: npt.NDArray[np.intp] = field(init=False, repr=False)  # (C - U,)
    _sides: FloatArray = field(init=False, repr=False)  # (U, 2 T), 1 where a class is of the group, where it is not

    def __post_init__(self) -> None:
        is_named = self.groups.any(axis=0)
        ours = self.groups[:, is_named].T.astype(np.float32)
        object.__setattr__(self, "_named", np.flatnonzero(is_named))
        object.__setattr__(self, "_others", np.flatnonzero(~is_named))
        object.__setattr__(self, "_sides", np.concatenate([ours, 1 - ours], axis=1))

    @property
    def tag_count(self) -> int:
        return len(self.groups)

    @property
    def width(self) -> int:
        return self.classifier.w.shape[1]

    def logits(self, embeddings: FloatArray) -> FloatArray:
        _, inside, outside = self._sums(embeddings)
        logits: FloatArray = np.log(inside / outside)
        return logits if self.shift is None else logits + self.shift.logits(embeddings)

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:
        """Towards the classes of the group, by their softmax among themselves, and so away from all others."""
        (probabilities,), inside, outside = self._sums(embedding[None])
        ours = self._sides.T[rows] == 1  # (R, U)
        pulls = np.repeat(-1 / outside[0, rows, None], len(probabilities), axis=1)  # (R, C), unnamed classes push away
        pulls[:, self._named] = np.where(ours, 1 / inside[0, rows, None], pulls[:, self._named])
        changes = np.linalg.multi_dot([pulls * probabilities, self.classifier.w, directions])
        return changes if self.shift is None else changes + self.shift.along(embedding, rows, directions)

    def _sums(self, embeddings: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The probability of each class, (N, C); its sum over each group and over all other classes, (N, T)."""
        probabilities = self.classifier.probabilities(embeddings)
        inside, outside = np.split(probabilities[:, self._named] @ self._sides, 2, axis=1)
        outside += probabilities[:, self._others].sum(axis=1, keepdims=True)
        return probabilities, np.maximum(inside, TINY), np.maximum(outside, TINY)

    def moved(self, row: int, w: FloatArray, b: float) -> SoftmaxGroupsBlock:
        nothing = LinearBlock(np.zeros((self.tag_count, self.width), np.float32), np.zeros(self.tag_count, np.float32))
        return replace(self, shift=(self.shift or nothing).moved(row, w, b))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Without the classifier, which has a file of its own."""
        return {"groups": self.groups}


@dataclass(frozen=True, slots=True)
class JointBlock(MlpBlock):
    """Two witnesses in one logit: what photos have taught, and what the backbone's own classifier says.

    The logit is that of the MLP, and for a tag that has a group of classes, `scale` times the log-odds of the group
    more. The scale is learnt with the MLP.
    """

    witness: SoftmaxGroupsBlock  # of the G tags that have a group
    rows: npt.NDArray[np.int32]  # (G,), which of the T tags these are, in rising order
    scale: FloatArray  # (G,)
    kind: ClassVar[BlockKind] = "joint"

    def logits(self, embeddings: FloatArray) -> FloatArray:
        logits = MlpBlock.logits(self, embeddings)
        logits[:, self.rows] += self.scale * self.witness.logits(embeddings)
        return logits

    def along(self, embedding: FloatArray, rows: npt.NDArray[np.intp], directions: FloatArray) -> FloatArray:
        changes = MlpBlock.along(self, embedding, rows, directions)
        has_group = np.isin(rows, self.rows)
        if has_group.any():
            places = np.searchsorted(self.rows, rows[has_group])
            changes[has_group] += self.scale[places, None] * self.witness.along(embedding, places, directions)
        return changes

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Without the classifier, which has a file of its own."""
        return {**MlpBlock.arrays(self), "groups": self.witness.groups, "rows": self.rows, "scale": self.scale}


def read_block(kind: StoredKind, arrays: Mapping[str, npt.NDArray[Any]], classifier: Classifier | None) -> Block:
    """A block from its arrays, as `arrays()` gave them, and the classifier of its backbone.

    Raises:
        TypeError: the arrays are others than those of this kind, or there is no classifier and the kind needs one.
    """
    if kind == "mlp":
        return MlpBlock(**arrays)
    if kind == "linear":
        return LinearBlock(**arrays)
    if classifier is None:
        raise TypeError("softmax groups need a classifier")
    if kind == "joint":
        own = dict(arrays)
        witness = SoftmaxGroupsBlock(classifier, own.pop("groups", np.zeros((0, len(classifier.b)), np.uint8)))
        return JointBlock(**own, witness=witness)
    if set(arrays) != {"groups"}:
        raise TypeError('expected "groups" alone')
    return SoftmaxGroupsBlock(classifier, arrays["groups"])


def features_of(block: Block, embeddings: FloatArray) -> FloatArray:
    """The features that a block's rows are multiplied with: its hidden values, or the embedding: (.., K) -> (.., F)."""
    return block.hidden(embeddings) if isinstance(block, MlpBlock) else embeddings


def in_fp16(array: npt.NDArray[Any]) -> FloatArray:
    """The array rounded to fp16, as float32."""
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)


def with_fp16_matrices(block: MlpBlock | LinearBlock) -> MlpBlock | LinearBlock:
    """The block as it is stored, rounded to fp16: figures measured with it hold for the stored file."""
    if isinstance(block, MlpBlock):
        return replace(block, w1=in_fp16(block.w1), w2=in_fp16(block.w2))
    return replace(block, w=in_fp16(block.w))


def _with_row(rows: FloatArray, row: int, more: FloatArray | float) -> FloatArray:
    """A copy with something added to one row."""
    moved = rows.copy()
    moved[row] += more
    return moved

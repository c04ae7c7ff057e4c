"""A head as ONNX nodes: the logits of its tags, and how they change along the cells of the feature map.

What `model/head.py` computes for one photo in numpy, for a batch of N. K is the width of an embedding, T the number of
a block's tags, n the number of cells.
"""

from __future__ import annotations

import numpy as np

from vectortag.assembly.onnx_graph import GraphBuilder
from vectortag.assembly.onnx_words import WordNodes, unit_gradient
from vectortag.core.numerics import TINY
from vectortag.model.added_block import AddedBlock
from vectortag.model.blocks import Block, JointBlock, LinearBlock, MlpBlock, SoftmaxGroupsBlock
from vectortag.model.classifier import Classifier
from vectortag.model.head import Head
from vectortag.model.words.similarity import Words


class HeadNodes:
    """Adds the nodes of blocks. What two blocks have in common, such as the classifier, is added once.

    Args:
        graph: where they go.
        embeddings: the name of (N, K) float32.
        cells: the name of (N, K, n) float32, of which the embedding is the mean.
    """

    def __init__(self, graph: GraphBuilder, embeddings: str, cells: str) -> None:
        self._graph, self._embeddings, self._cells = graph, embeddings, cells
        self._known: dict[tuple[str, int], tuple[object, str]] = {}

    def logits(self, head: Head) -> str:
        """(N, T) of all blocks."""
        return self._joined([self._block_logits(block) for block in head.blocks])

    def along(self, head: Head) -> str:
        """d logit / d embedding times the cells: (N, T, n), as `Head.along`."""
        return self._joined([self._block_along(block) for block in head.blocks])

    def _joined(self, parts: list[str]) -> str:
        return parts[0] if len(parts) == 1 else self._graph.add("Concat", *parts, axis=1)

    def _once(self, what: str, of: object, name: str | None = None) -> str:
        """What was added for an object before; or remember the name of what is added for it now."""
        key = (what, id(of))
        if name is not None:
            self._known[key] = (of, name)  # the object is kept, so that its id stays its own
        return self._known[key][1] if key in self._known else ""

    def _block_logits(self, block: Block) -> str:
        if name := self._once("logits", block):
            return name
        return self._once("logits", block, self._new_logits(block))

    def _new_logits(self, block: Block) -> str:
        graph = self._graph
        if isinstance(block, JointBlock):
            logits = self._linear(self._hidden(block), block.w2, block.b2)
            if not len(block.rows):
                return logits
            witness = graph.add("Mul", self._block_logits(block.witness), graph.constant(block.scale))
            both = graph.add("Add", graph.chosen(logits, block.rows), witness)
            return graph.replaced(logits, block.tag_count, block.rows, both)
        if isinstance(block, MlpBlock):
            return self._linear(self._hidden(block), block.w2, block.b2)
        if isinstance(block, LinearBlock):
            return self._linear(self._embeddings, block.w, block.b)
        if isinstance(block, SoftmaxGroupsBlock):
            inside, outside = self._sums(block)
            logits = graph.add("Log", graph.add("Div", inside, outside))
            return logits if block.shift is None else graph.add("Add", logits, self._block_logits(block.shift))
        if isinstance(block, AddedBlock):
            return self._added_logits(block)
        raise TypeError(f"no nodes for a block of the kind {block.kind}")

    def _block_along(self, block: Block) -> str:
        if name := self._once("along", block):
            return name
        return self._once("along", block, self._new_along(block))

    def _new_along(self, block: Block) -> str:
        graph = self._graph
        if isinstance(block, JointBlock):
            changes = graph.add("MatMul", graph.constant(block.w2), self._hidden_along(block))
            if not len(block.rows):
                return changes
            scale = graph.constant(block.scale[:, None])
            witness = graph.add("Mul", self._block_along(block.witness), scale)
            both = graph.add("Add", graph.chosen(changes, block.rows), witness)
            return graph.replaced(changes, block.tag_count, block.rows, both)
        if isinstance(block, MlpBlock):
            return graph.add("MatMul", graph.constant(block.w2), self._hidden_along(block))
        if isinstance(block, LinearBlock):
            return graph.add("MatMul", graph.constant(block.w), self._cells)
        if isinstance(block, SoftmaxGroupsBlock):
            changes = self._groups_along(block)
            return changes if block.shift is None else graph.add("Add", changes, self._block_along(block.shift))
        if isinstance(block, AddedBlock):
            return self._added_along(block)
        raise TypeError(f"no nodes for a block of the kind {block.kind}")

    def _linear(self, values: str, w: np.ndarray, b: np.ndarray) -> str:
        return self._graph.add("Gemm", values, self._graph.constant(w), self._graph.constant(b), transB=1)

    def _hidden(self, block: MlpBlock) -> str:
        """(N, H), after ReLU."""
        if name := self._once("hidden", block.w1):
            return name
        linear = self._linear(self._embeddings, block.w1, block.b1)
        return self._once("hidden", block.w1, self._graph.add("Relu", linear))

    def _hidden_along(self, block: MlpBlock) -> str:
        """How the hidden values change along the cells: (N, H, n), 0 where one is not active."""
        if name := self._once("hidden along", block.w1):
            return name
        changes = self._graph.add("MatMul", self._graph.constant(block.w1), self._cells)
        return self._once("hidden along", block.w1, self._graph.add("Mul", changes, self._active(block)))

    def _active(self, block: MlpBlock) -> str:
        """(N, H, 1), 1 where a hidden value is above 0."""
        active = self._graph.to_float(self._graph.add("Greater", self._hidden(block), self._graph.number(0)))
        return self._graph.reshape(active, 0, -1, 1)

    def _probabilities(self, classifier: Classifier) -> str:
        """(N, C) of the classes."""
        if name := self._once("probabilities", classifier):
            return name
        logits = self._linear(self._embeddings, classifier.w, classifier.b)
        return self._once("probabilities", classifier, self._graph.add("Softmax", logits, axis=1))

    def _classes_along(self, classifier: Classifier) -> str:
        """How the logits of the classes change along the cells: (N, C, n)."""
        if name := self._once("classes along", classifier):
            return name
        changes = self._graph.add("MatMul", self._graph.constant(classifier.w), self._cells)
        return self._once("classes along", classifier, changes)

    def _sides(self, block: SoftmaxGroupsBlock) -> tuple[str, str]:
        """(C, T) twice: 1 where a class is of the group, and where it is not."""
        graph = self._graph
        if not (name := self._once("sides", block)):
            name = self._once("sides", block, graph.to_float(graph.constant(np.ascontiguousarray(block.groups.T))))
        return name, graph.add("Sub", graph.number(1), name)

    def _sums(self, block: SoftmaxGroupsBlock) -> tuple[str, str]:
        """The probability of each group, and of all other classes, (N, T) each."""
        inside, outside = self._once("inside", block), self._once("outside", block)
        if not inside:
            probabilities, tiny = self._probabilities(block.classifier), self._graph.number(TINY)
            parts = [self._graph.add("MatMul", probabilities, side) for side in self._sides(block)]
            inside, outside = (self._graph.add("Max", part, tiny) for part in parts)
            self._once("inside", block, inside)
            self._once("outside", block, outside)
        return inside, outside

    def _groups_along(self, block: SoftmaxGroupsBlock) -> str:
        """Towards the classes of the group, by their softmax among themselves, and so away from all others."""
        graph = self._graph
        probabilities = graph.reshape(self._probabilities(block.classifier), 0, -1, 1)
        pulls = graph.add("Mul", self._classes_along(block.classifier), probabilities)  # (N, C, n)
        towards, away = (
            graph.add("Div", graph.add("MatMul", graph.add("Transpose", side, perm=[1, 0]), pulls), whole)
            for side, whole in zip(
                self._sides(block), [graph.reshape(one, 0, -1, 1) for one in self._sums(block)], strict=True
            )
        )
        return graph.add("Sub", towards, away)

    def _below(self, block: AddedBlock) -> tuple[str, str]:
        """What an added block rests on: the first block's features (N, F), and the scores of all tags (N, T)."""
        first = block.below.blocks[0]
        features = self._hidden(first) if isinstance(first, MlpBlock) else self._embeddings
        if not (scores := self._once("scores", block.below)):
            scores = self._once("scores", block.below, self._graph.add("Sigmoid", self.logits(block.below)))
        return features, scores

    def _added_logits(self, block: AddedBlock) -> str:
        graph = self._graph
        features, scores = self._below(block)
        roots = graph.add("Sqrt", scores)
        both = graph.add("Concat", graph.unit(features, 1)[0], graph.unit(roots, 1)[0], axis=1)
        logits = graph.add("Gemm", both, graph.constant(block.w), transB=1)
        if block.words is None or not block.embedded:
            return logits
        rows = np.array([*block.embedded])
        said = WordNodes(graph, self._embeddings, block.words, [*block.embedded.values()], self._parts(block.words))
        return graph.replaced(
            logits, block.tag_count, rows, graph.add("Add", graph.chosen(logits, rows), said.values())
        )

    def _added_along(self, block: AddedBlock) -> str:
        """As `AddedBlock.along`: through both directions, the ReLU, and the scores to all tags of the head below."""
        graph = self._graph
        features, scores = self._below(block)
        roots = graph.add("Sqrt", scores)
        first = block.below.blocks[0]
        split = block.w.shape[1] - block.below.tag_count
        of_features = unit_gradient(graph, block.w[:, :split], features)  # (N, T, F)
        along = self._hidden_along(first) if isinstance(first, MlpBlock) else self._cells
        changes = graph.add("MatMul", of_features, along)
        slopes = graph.add("Mul", roots, graph.add("Sub", graph.number(1), scores))
        slopes = graph.reshape(graph.add("Mul", slopes, graph.number(0.5)), 0, 1, -1)
        of_logits = graph.add("Mul", unit_gradient(graph, block.w[:, split:], roots), slopes)
        changes = graph.add("Add", changes, graph.add("MatMul", of_logits, self.along(block.below)))
        if block.words is None or not block.embedded:
            return changes
        rows = np.array([*block.embedded])
        said = WordNodes(graph, self._embeddings, block.words, [*block.embedded.values()], self._parts(block.words))
        classes = self._classes_along(block.words.classifier) if block.words.classifier.names else ""
        more = graph.add("Add", graph.chosen(changes, rows), said.along(self._cells, classes))
        return graph.replaced(changes, block.tag_count, rows, more)

    def _parts(self, words: Words) -> str:
        """The probabilities that words are compared with; "" where there are no classes."""
        return self._probabilities(words.classifier) if words.classifier.names else ""

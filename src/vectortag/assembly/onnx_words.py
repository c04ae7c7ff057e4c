"""What words say of photos, as ONNX nodes: `model/words/similarity.py` for a batch of N photos.

R is the number of words, C of classes, D of the numbers of a text, K the width of an embedding, n the number of cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vectortag.assembly.onnx_graph import GraphBuilder
from vectortag.core.types import FloatArray
from vectortag.model.words.similarity import FLOOR, WordEmbedding, Words


def unit_gradient(graph: GraphBuilder, gradients: FloatArray, vectors: str) -> str:
    """As `vectortag.core.numerics.unit_gradient`: (T, D) for all photos, and vectors (N, D) -> (N, T, D)."""
    units, lengths = graph.unit(vectors, 1)
    along = graph.add("Gemm", units, graph.constant(gradients), transB=1)  # (N, T)
    back = graph.add("Mul", graph.reshape(along, 0, -1, 1), graph.reshape(units, 0, 1, -1))
    rest = graph.add("Sub", graph.constant(np.ascontiguousarray(gradients[None])), back)
    return graph.add("Div", rest, graph.reshape(lengths, 0, 1, 1))


class WordNodes:
    """What words say of photos, and how that changes along the cells of the feature map.

    Args:
        embeddings, probabilities: the names of (N, K) and (N, C); the second is "" where there are no classes.
        embedded: R words.
    """

    def __init__(
        self, graph: GraphBuilder, embeddings: str, words: Words, embedded: Sequence[WordEmbedding], probabilities: str
    ) -> None:
        self._graph, self._words, self._embeddings = graph, words, embeddings
        self._probabilities = probabilities
        self._classes = np.stack([one.classes for one in embedded]).astype(np.float32)  # (R, C)
        self._queries = np.stack([one.query for one in embedded]).astype(np.float32)  # (R, D)
        self._by_class = np.array([one.by_class for one in embedded], np.float32)
        self._by_direction = np.array([one.by_direction for one in embedded], np.float32)
        self._middles = np.array([one.middle for one in embedded], np.float32)
        self._projected = self._project()

    @property
    def _projections(self) -> tuple[FloatArray, FloatArray]:
        """Of the embedding, (K, D), and of the roots of the classes' probabilities, (C, D)."""
        width = len(self._words.projection) - len(self._words.classifier.names)
        return self._words.projection[:width], self._words.projection[width:]

    def _project(self) -> str:
        """(N, D), where the photos point."""
        graph, (of_embedding, of_roots) = self._graph, self._projections
        offset = graph.constant(self._words.offset.astype(np.float32))
        projected = graph.add("Gemm", self._embeddings, graph.constant(of_embedding.astype(np.float32)), offset)
        if not self._probabilities:
            return projected
        roots = graph.add("Sqrt", self._probabilities)
        return graph.add("Add", projected, graph.add("MatMul", roots, graph.constant(of_roots.astype(np.float32))))

    def _shares(self) -> str:
        """(N, R), what the classes that count for a word have together, and a little more."""
        graph = self._graph
        shares = graph.add("Gemm", self._probabilities, graph.constant(self._classes), transB=1)
        return graph.add("Add", shares, graph.number(FLOOR))

    def values(self) -> str:
        """(N, R), as `values`."""
        graph = self._graph
        directions, _ = graph.unit(self._projected, 1)
        cosines = graph.add("Gemm", directions, graph.constant(self._queries), transB=1)
        fit = graph.add("Mul", cosines, graph.constant(self._by_direction))
        fit = graph.add("Sub", fit, graph.constant(self._middles))
        if not self._probabilities:
            return fit
        by_class = graph.add("Mul", graph.add("Log", self._shares()), graph.constant(self._by_class))
        return graph.add("Add", fit, by_class)

    def along(self, cells: str, classes_along: str) -> str:
        """d value / d embedding times the cells: (N, R, n), as `Words.along`.

        Args:
            cells: (N, K, n).
            classes_along: (N, C, n), how the classes' logits change along the cells.
        """
        graph, (of_embedding, of_roots) = self._graph, self._projections
        pulls = unit_gradient(graph, self._queries, self._projected)
        pulls = graph.add("Mul", pulls, graph.constant(self._by_direction[:, None]))  # (N, R, D)
        turned = graph.constant(np.ascontiguousarray(of_embedding.T.astype(np.float32)))
        changes = graph.add("MatMul", pulls, graph.add("MatMul", turned, cells))
        if not self._probabilities:
            return changes
        shares = graph.reshape(self._shares(), 0, -1, 1)
        probabilities = graph.reshape(self._probabilities, 0, 1, -1)
        floor = graph.number(FLOOR)
        apart = graph.add("Sub", graph.constant(self._classes[None]), graph.add("Sub", shares, floor))
        weight = graph.add("Div", graph.constant(self._by_class[:, None]), shares)
        of_logits = graph.add("Mul", graph.add("Mul", apart, probabilities), weight)  # (N, R, C)
        back = graph.add("MatMul", pulls, graph.constant(np.ascontiguousarray(of_roots.T.astype(np.float32))))
        half = graph.add("Mul", graph.add("Sqrt", probabilities), graph.number(0.5))
        back = graph.add("Mul", back, half)
        whole = graph.add("Mul", graph.reduce("ReduceSum", back, 2), probabilities)
        of_logits = graph.add("Add", of_logits, graph.add("Sub", back, whole))
        return graph.add("Add", changes, graph.add("MatMul", of_logits, classes_along))

"""What a backbone knew before it saw a tag: the classifier that it was pretrained with, beside its own head.

Its classes are things that no tagged photo may ever have named. Groups of them are tags (`SoftmaxGroupsBlock` in
head.py), and words are placed among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vectortag.core.numerics import softmax
from vectortag.core.types import FloatArray


@dataclass(frozen=True, slots=True)
class Classifier:
    """One linear layer on the embedding, and a softmax over C classes, of which a photo is taken to have one.

    Attributes:
        w: (C, K) float32.
        b: (C,) float32.
        names: the name of each class, such as "golden retriever"; two classes may share one.
    """

    w: FloatArray
    b: FloatArray
    names: tuple[str, ...]

    def logits(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, C)."""
        return embeddings @ self.w.T + self.b

    def probabilities(self, embeddings: FloatArray) -> FloatArray:
        """(N, K) -> (N, C); each row sums to 1."""
        return softmax(self.logits(embeddings), axis=1).astype(np.float32, copy=False)

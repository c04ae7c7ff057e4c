"""Two witnesses in one logit: the head that photos teach, and the ImageNet classes that the backbone still knows.

As `vectortag.model.blocks.JointBlock`, in torch. The MLP and the weight of each tag's group are trained together, so
that the MLP learns what the classes do not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vectortag.core.numerics import TINY
from vectortag.model.blocks import JointBlock, LinearBlock, MlpBlock, SoftmaxGroupsBlock
from vectortag.model.class_groups import borrowed_tags, group_block
from vectortag.model.classifier import Classifier
from vectortag.model.taxonomy import Taxonomy
from vectortag.train.heads import to_block

FIRST_SCALE = 0.5
"""The weight of the log-odds of a group before training."""


class JointHead(nn.Module):
    """Embeddings (B, K) -> logits (B, T): an MLP, and for the tags at `rows` the log-odds of their groups of classes.

    Args:
        mlp: (B, K) -> (B, T).
        witness: of G tags.
        rows: (G,), which tags these are, in rising order.
    """

    w: Tensor  # (C, K)
    b: Tensor  # (C,)
    groups: Tensor  # (G, C)
    rows: Tensor  # (G,)

    def __init__(self, mlp: nn.Module, witness: SoftmaxGroupsBlock, rows: Sequence[int]) -> None:
        super().__init__()
        self.mlp, self.witness = mlp, witness
        self.scale = nn.Parameter(torch.full((len(rows),), FIRST_SCALE))
        for name, array in (
            ("w", witness.classifier.w),
            ("b", witness.classifier.b),
            ("groups", witness.groups.astype(np.float32)),
            ("rows", np.asarray(rows, np.int64)),
        ):
            self.register_buffer(name, torch.from_numpy(array), persistent=False)

    def forward(self, embeddings: Tensor) -> Tensor:
        logits: Tensor = self.mlp(embeddings).float()  # (B, T), or in training (M, B, T)
        odds = self.scale * self._log_odds(embeddings.float())
        return logits.index_add(-1, self.rows, odds.expand(*logits.shape[:-1], -1))

    @torch.no_grad()
    def _log_odds(self, embeddings: Tensor) -> Tensor:
        """(B, K) -> (B, G); nothing is learnt through them, since the backbone rests."""
        probabilities = (embeddings @ self.w.T + self.b).softmax(dim=1)
        inside, outside = (probabilities @ side.T for side in (self.groups, 1 - self.groups))
        return (inside.clamp(min=TINY) / outside.clamp(min=TINY)).log()


def joined(mlp: nn.Module, classifier: Classifier, taxonomy: Taxonomy, tags: Sequence[str]) -> JointHead:
    """The head of these tags, each with its group of the taxonomy where the classifier knows one."""
    known = set(borrowed_tags(taxonomy, classifier.names, ()))
    rows = [place for place, tag in enumerate(tags) if tag in known]
    return JointHead(mlp, group_block(classifier, taxonomy, [tags[row] for row in rows]), rows)


def block_of(head: Any) -> MlpBlock | JointBlock | LinearBlock:
    """A trained head of either kind as numpy matrices."""
    if not isinstance(head, JointHead):
        return to_block(head)
    mlp = to_block(head.mlp)
    if not isinstance(mlp, MlpBlock):
        raise TypeError("a joint head needs a hidden layer")
    rows = head.rows.cpu().numpy().astype(np.int32)
    scale = head.scale.detach().cpu().numpy()
    return JointBlock(mlp.w1, mlp.b1, mlp.w2, mlp.b2, witness=head.witness, rows=rows, scale=scale)

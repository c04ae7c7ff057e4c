"""Heads in torch, and the matrices that they become."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.train.config import HeadConfig

WIDTH, TAGS = 8, 5


@pytest.fixture
def heads(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.heads")


@pytest.fixture
def embeddings(torch: Any) -> Any:
    return 5 + 3 * torch.rand(64, WIDTH, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("hidden", "members"), [(16, 1), (0, 1), (16, 3)])
def test_the_matrices_give_the_logits_of_the_trained_head(heads, embeddings, hidden, members):
    config = HeadConfig(hidden=hidden, standardise=True, input_dropout=0.3, members=members)
    head = heads.create_head(config, WIDTH, TAGS, seed=3)
    for _ in range(3):
        head.train()(embeddings)

    expected = head.eval()(embeddings).detach().numpy()

    block = heads.to_block(head)
    np.testing.assert_allclose(block.logits(embeddings.numpy()), expected, atol=1e-4)
    if hidden:
        assert block.w1.shape == (members * hidden, WIDTH)


def test_members_learn_by_themselves_and_speak_together(torch, heads, embeddings):
    head = heads.create_head(HeadConfig(hidden=16, members=2, dropout=0.4), WIDTH, TAGS, seed=3)
    one, other = head.members

    torch.manual_seed(1)
    together = head.train()(embeddings)
    torch.manual_seed(1)
    apart = [one(embeddings), other(embeddings)]
    assert torch.equal(together, torch.stack(apart))
    assert not torch.equal(*apart)

    loss = (together[0] ** 2).mean()
    loss.backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in one.parameters())
    assert all(weight.grad is None or not weight.grad.any() for weight in other.parameters())

    head.eval()
    assert torch.allclose(head(embeddings), (one(embeddings) + other(embeddings)) / 2)


def test_one_member_is_the_head_that_it_was(torch, heads):
    head = heads.create_head(HeadConfig(hidden=16), WIDTH, TAGS, seed=3)

    assert isinstance(head, torch.nn.Sequential)


def test_linear_heads_have_no_members():
    with pytest.raises(ValueError, match="the mean of linear heads is one linear head"):
        HeadConfig(hidden=0, members=2)

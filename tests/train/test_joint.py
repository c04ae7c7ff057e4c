"""A head of two witnesses: in torch as in numpy, and only what is learnt learns."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.model.blocks import JointBlock, LinearBlock, MlpBlock
from vectortag.model.classifier import Classifier
from vectortag.model.taxonomy import Taxonomy
from vectortag.train.config import HeadConfig

WIDTH = 6
TAGS = ("circle", "reef", "square", "bus")
TAXONOMY = Taxonomy(groups={"reef": ["coral reef", "lagoon"], "bus": ["minibus"], "square": ["no such class"]})


@pytest.fixture
def joint(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.joint")


@pytest.fixture
def classifier() -> Classifier:
    random = np.random.default_rng(0)
    names = ("coral reef", "lagoon", "minibus", "zebra", "sofa")
    return Classifier(random.normal(0, 1, (5, WIDTH)).astype(np.float32), np.float32([0.1] * 5), names)


@pytest.fixture
def mlp(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """mlp(hidden=16, members=1): a head of four tags, or several whose mean it is."""
    create = need_module("vectortag.train.heads").create_head

    def make(hidden: int = 16, members: int = 1) -> Any:
        return create(HeadConfig(hidden=hidden, members=members), WIDTH, len(TAGS), seed=3).eval()

    return make


@pytest.fixture
def embeddings() -> np.ndarray:
    return np.abs(np.random.default_rng(1).normal(0, 1, (7, WIDTH))).astype(np.float32)


@pytest.fixture(params=[1, 3], ids=["one head", "three heads"])
def head(joint: Any, mlp: Callable[..., Any], classifier: Classifier, request: pytest.FixtureRequest) -> Any:
    return joint.joined(mlp(members=request.param), classifier, TAXONOMY, TAGS).eval()


def test_a_tag_has_a_witness_where_the_classifier_knows_one_of_its_classes(head: Any):
    assert head.rows.tolist() == [1, 3]
    assert head.groups.tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0]]
    assert head.scale.tolist() == [0.5, 0.5]


def test_its_logits_are_those_of_the_block_in_numpy(head: Any, joint: Any, embeddings: np.ndarray, torch: Any):
    with torch.no_grad():
        head.scale.copy_(torch.tensor([0.7, -0.2]))
        logits = head(torch.from_numpy(embeddings)).numpy()

    block = joint.block_of(head)

    assert isinstance(block, JointBlock)
    np.testing.assert_allclose(block.logits(embeddings), logits, atol=1e-5)
    np.testing.assert_allclose(logits[:, [0, 2]], MlpBlock.logits(block, embeddings)[:, [0, 2]], atol=1e-5)


def test_with_a_weight_of_nothing_the_classes_say_nothing(head: Any, embeddings: np.ndarray, torch: Any):
    with torch.no_grad():
        head.scale.zero_()

        torch.testing.assert_close(head(torch.from_numpy(embeddings)), head.mlp(torch.from_numpy(embeddings)))


def test_the_weights_of_the_witness_are_learnt_and_its_classes_are_not(head: Any, embeddings: np.ndarray, torch: Any):
    inputs = torch.from_numpy(embeddings).requires_grad_()

    head(inputs).sum().backward()

    assert {name for name, one in head.named_parameters() if one.grad is not None and one.grad.any()} >= {"scale"}
    assert {name.partition(".")[0] for name, _ in head.named_parameters()} == {"mlp", "scale"}
    through_mlp = torch.autograd.grad(head.mlp(inputs).sum(), inputs)[0]
    torch.testing.assert_close(inputs.grad, through_mlp)  # nothing is learnt through the log-odds


def test_what_is_stored_of_it_has_no_copy_of_the_classifier(head: Any):
    assert not {"w", "b", "groups", "rows"} & set(head.state_dict())


def test_a_head_without_a_hidden_layer_cannot_be_joint(joint: Any, mlp: Callable[..., Any], classifier: Classifier):
    with pytest.raises(TypeError, match="a joint head needs a hidden layer"):
        joint.block_of(joint.joined(mlp(0), classifier, TAXONOMY, TAGS))


@pytest.mark.parametrize(("hidden", "kind"), [(16, MlpBlock), (0, LinearBlock)])
def test_another_head_becomes_its_own_block(joint: Any, mlp: Callable[..., Any], hidden: int, kind: type):
    assert type(joint.block_of(mlp(hidden))) is kind

"""The nodes of a head give what the head gives in numpy: its logits, and their changes along the cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx_runs import OPSET, run

from vectortag.assembly.onnx_graph import GraphBuilder
from vectortag.assembly.onnx_head import HeadNodes
from vectortag.model.added_block import AddedBlock, new_tag_parts
from vectortag.model.blocks import JointBlock, LinearBlock, MlpBlock, SoftmaxGroupsBlock
from vectortag.model.classifier import Classifier
from vectortag.model.head import Head

WIDTH, HIDDEN, CLASSES, CELLS = 8, 12, 5, 9


@pytest.fixture(autouse=True)
def _needed(need_module: Callable[[str], Any]) -> None:
    need_module("onnx")
    need_module("onnxruntime")


def matrix(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 1, shape).astype(np.float32)


CLASSIFIER = Classifier(matrix(CLASSES, WIDTH), matrix(CLASSES), tuple("abcde"))
GROUPS = SoftmaxGroupsBlock(CLASSIFIER, np.uint8([[1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 1, 0]]))
MLP = MlpBlock(matrix(HIDDEN, WIDTH), matrix(HIDDEN), matrix(4, HIDDEN), matrix(4))
LINEAR = LinearBlock(matrix(3, WIDTH), matrix(3))
JOINT = JointBlock(MLP.w1, MLP.b1, matrix(5, HIDDEN), matrix(5), GROUPS, np.int32([0, 2, 4]), np.float32([0.5, 1, 2]))
ALONE = replace(JOINT, witness=replace(GROUPS, groups=GROUPS.groups[:0]), rows=JOINT.rows[:0], scale=JOINT.scale[:0])


def added(*blocks: Any) -> AddedBlock:
    below = Head(blocks)
    return AddedBlock(below, matrix(2, sum(new_tag_parts(below))) * 3)


HEADS = {
    "mlp": Head((MLP,)),
    "linear": Head((LINEAR,)),
    "groups of classes": Head((GROUPS,)),
    "joint": Head((JOINT,)),
    "joint without groups": Head((ALONE,)),
    "several, which share a classifier": Head((JOINT, GROUPS, LINEAR)),
    "corrected": Head((JOINT, GROUPS)).moved(1, matrix(HIDDEN), 0.5).moved(6, matrix(WIDTH), -0.5),
    "added to an mlp": Head((JOINT, GROUPS, added(JOINT, GROUPS))),
    "added to a linear one": Head((LINEAR, added(LINEAR, MLP))),
    "added and corrected": Head((*Head((MLP,)).moved(0, matrix(HIDDEN), 1.0).blocks, added(MLP))),
}


@pytest.fixture
def cells() -> np.ndarray:
    """(3, WIDTH, CELLS): three photos; of the last one, everything is zero."""
    values = np.abs(np.random.default_rng(1).normal(0, 1, (3, WIDTH, CELLS))).astype(np.float32)
    values[2] = 0
    return values


@pytest.mark.parametrize("name", HEADS)
def test_logits_are_those_of_the_head(name: str, cells: np.ndarray):
    graph, embeddings = GraphBuilder(OPSET), cells.mean(axis=2)
    output = HeadNodes(graph, "embeddings", "cells").logits(HEADS[name])

    actual = run(graph, output, embeddings=embeddings)

    np.testing.assert_allclose(actual, HEADS[name].logits(embeddings), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_changes_along_the_cells_are_those_of_the_head(name: str, cells: np.ndarray):
    head, graph, embeddings = HEADS[name], GraphBuilder(OPSET), cells.mean(axis=2)
    output = HeadNodes(graph, "embeddings", "cells").along(head)

    actual = run(graph, output, embeddings=embeddings, cells=cells)

    for photo, changes in enumerate(actual):
        expected = head.along(embeddings[photo], range(head.tag_count), cells[photo])
        np.testing.assert_allclose(changes, expected, rtol=1e-3, atol=1e-4)
    assert np.abs(actual[:2]).max() > 0.1


def test_what_two_blocks_share_is_stored_once():
    graph = GraphBuilder(OPSET)

    HeadNodes(graph, "embeddings", "cells").logits(Head((JOINT, GROUPS, added(JOINT, GROUPS))))

    assert sum(list(one.dims) == [CLASSES, WIDTH] for one in graph.constants) == 1
    assert sum(list(one.dims) == [HIDDEN, WIDTH] for one in graph.constants) == 1

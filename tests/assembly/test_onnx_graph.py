"""The parts that graphs are made of, run by ONNX Runtime and compared with numpy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx_runs import run

from vectortag.assembly.onnx_graph import GraphBuilder, import_onnx
from vectortag.core.errors import MissingExtraError
from vectortag.core.numerics import unit


@pytest.fixture(autouse=True)
def _needed(need_module: Callable[[str], Any]) -> None:
    need_module("onnx")
    need_module("onnxruntime")


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("opset", [15, 18, 21])
@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("ReduceMax", lambda array: array.max(axis=1, keepdims=True)),
        ("ReduceMin", lambda array: array.min(axis=1, keepdims=True)),
        ("ReduceSum", lambda array: array.sum(axis=1, keepdims=True)),
        ("ReduceL2", lambda array: np.linalg.norm(array, axis=1, keepdims=True)),
    ],
)
def test_a_reduction_is_right_in_each_opset(opset: int, operator: str, expected: Callable[..., Any]):
    graph, values = GraphBuilder(opset), some(3, 4, 5)

    actual = run(graph, graph.reduce(operator, "values", 1), opset=opset, values=values)

    np.testing.assert_allclose(actual, expected(values), rtol=1e-5)


def test_some_values_are_replaced_and_the_others_stay():
    graph, values, by = GraphBuilder(18), some(2, 5, 3), some(2, 2, 3, seed=1)

    actual = run(graph, graph.replaced("values", 5, np.array([3, 1]), "by"), values=values, by=by)

    expected = values.copy()
    expected[:, [3, 1]] = by
    np.testing.assert_array_equal(actual, expected)


def test_a_unit_vector_of_zeros_stays_zero():
    graph, vectors = GraphBuilder(18), some(3, 4) * np.float32([[1], [0], [1e3]])

    actual = run(graph, graph.unit("vectors", 1)[0], vectors=vectors)

    np.testing.assert_allclose(actual, unit(vectors), rtol=1e-6)


class TestConstants:
    def test_what_half_precision_holds_exactly_takes_half_of_the_space(self):
        graph = GraphBuilder(18)
        halves, others = some(4, 4).astype(np.float16).astype(np.float32), some(4, 4)

        names = graph.constant(halves), graph.constant(others)

        kinds = {one.name: one.data_type for one in graph.constants}
        assert sorted(kinds.values()) == [graph.onnx.TensorProto.FLOAT, graph.onnx.TensorProto.FLOAT16]
        for name, expected in zip(names, (halves, others), strict=True):
            np.testing.assert_array_equal(run(graph, graph.add("Mul", "x", name), x=np.ones((4, 4), "f")), expected)

    @pytest.mark.parametrize("value", [1e6, 1e-9])
    def test_what_half_precision_does_not_hold_stays_float32(self, value: float):
        graph = GraphBuilder(18)

        graph.constant(np.float32([1, value]))

        assert [one.data_type for one in graph.constants] == [graph.onnx.TensorProto.FLOAT]

    def test_the_same_array_is_stored_once(self):
        graph, array = GraphBuilder(18), some(3, 3)

        assert graph.constant(array) == graph.constant(array)
        assert len(graph.constants) == 1


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_package_says_how_to_install_it(missing: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(MissingExtraError, match=r"pip install 'vectortag\[quantise\]'"):
        import_onnx()

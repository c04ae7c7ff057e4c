"""Networks that would fill the memory are refused before they run, by both runtimes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tried import Record

from vectortag.core.errors import ModelFolderError
from vectortag.runtime.session import open_session

PHOTO = np.full((1, 32, 32, 3), 200, np.uint8)
Graph = tuple[list[tuple[Any, ...]], dict[str, np.ndarray]]
"""Nodes that make "s", a number, of "eight", which is (1, 8, 32, 32); and their constants."""


def mean(name: str) -> tuple[Any, ...]:
    return ("ReduceMean", [name], "s", {"keepdims": 0})


def tile() -> Graph:
    return [("Tile", ["eight", "r"], "big"), mean("big")], {"r": np.int64([1, 1, 4096, 16])}


def tile_twice() -> Graph:
    nodes = [("Tile", ["eight", "r"], "one"), ("Tile", ["one", "r"], "two"), mean("two")]
    return nodes, {"r": np.int64([1, 1, 256, 256])}


def constants() -> Graph:
    nodes = [("ConstantOfShape", ["n"], "a"), ("Tile", ["a", "n"], "b"), ("Tile", ["b", "n"], "c"), mean("c")]
    return nodes, {"n": np.int64([1024])}


def multiplied_shape() -> Graph:
    nodes = [("Mul", ["n", "n"], "shape"), ("ConstantOfShape", ["shape"], "a"), mean("a")]
    return nodes, {"n": np.int64([50_000])}


def resized() -> Graph:
    nodes = [("Resize", ["eight", "", "scales"], "big", {"mode": "nearest"}), mean("big")]
    return nodes, {"scales": np.float32([1, 1, 1000, 1000])}


def counted() -> Graph:
    return [("Range", ["from", "to", "step"], "big"), mean("big")], {
        "from": np.float32(0), "to": np.float32(3e9), "step": np.float32(1),
    }  # fmt: skip


def outer_product() -> Graph:
    nodes = [
        ("Reshape", ["eight", "column"], "a"),
        ("Reshape", ["eight", "row"], "b"),
        ("MatMul", ["a", "b"], "c"),
        ("Concat", ["c", "c"], "d", {"axis": 0}),
        mean("d"),
    ]
    return nodes, {"column": np.int64([-1, 1]), "row": np.int64([1, -1])}


def many_at_once() -> Graph:
    nodes: list[tuple[Any, ...]] = []
    for i in range(9):
        nodes += [("Mul", ["eight", f"k{i}"], f"e{i}"), ("Tile", [f"e{i}", "r"], f"t{i}")]
    for i in range(8):
        nodes.append(("Add", [f"t{7 - i}", "t8" if i == 0 else f"a{i - 1}"], f"a{i}"))
    return [*nodes, mean("a7")], {"r": np.int64([1, 1, 32, 64]), **{f"k{i}": np.float32(i) for i in range(9)}}


def of_the_photo() -> Graph:
    nodes = [
        ("ReduceMax", ["eight"], "brightest", {"keepdims": 0}),
        ("Mul", ["brightest", "million"], "many"),
        ("Cast", ["many"], "number", {"to": 7}),
        ("Reshape", ["number", "one"], "shape"),
        ("ConstantOfShape", ["shape"], "big"),
        mean("big"),
    ]
    return nodes, {"million": np.float32(1e6), "one": np.int64([1])}


GRAPHS: dict[Callable[[], Graph], str] = {
    tile: "values of a photo at the same time",
    tile_twice: "values of a photo at the same time",
    constants: "values of a photo at the same time",
    multiplied_shape: "values of a photo at the same time",
    resized: "values of a photo at the same time",
    counted: "values of a photo at the same time",
    outer_product: "values of a photo at the same time",
    many_at_once: "values of a photo at the same time",
    of_the_photo: "depends on the photo",
}


@pytest.fixture
def network(need_module: Callable[[str], Any]) -> Callable[[Callable[[], Graph]], bytes]:
    """network(graph): an ONNX file of a network that adds a graph's number to an ordinary feature map."""
    onnx = need_module("onnx")
    helper = onnx.helper

    def make(graph: Callable[[], Graph]) -> bytes:
        nodes, constants = graph()
        usual = [
            ("Cast", ["images"], "float", {"to": 1}),
            ("Transpose", ["float"], "channels_first", {"perm": [0, 3, 1, 2]}),
            ("ReduceMean", ["channels_first"], "grey", {"axes": [1], "keepdims": 1}),
            ("Concat", ["grey"] * 8, "eight", {"axis": 1}),
        ]
        made = [
            helper.make_node(kind, inputs, [output], **(rest[0] if rest else {}))
            for kind, inputs, output, *rest in [*usual, *nodes, ("Add", ["eight", "s"], "feature_map")]
        ]
        types = onnx.TensorProto
        whole = helper.make_graph(
            made,
            "hostile",
            [helper.make_tensor_value_info("images", types.UINT8, ["N", "H", "W", 3])],
            [helper.make_tensor_value_info("feature_map", types.FLOAT, ["N", 8, "h", "w"])],
            [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        content: bytes = helper.make_model(
            whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        ).SerializeToString()
        return content

    return make


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("graph", "reason"), GRAPHS.items(), ids=[graph.__name__ for graph in GRAPHS])
def test_it_is_refused_before_it_runs(
    network: Any, need_module: Callable[[str], Any], graph: Callable[[], Graph], reason: str, runtime: Any
):
    need_module(runtime)

    with pytest.raises(ModelFolderError, match=reason):
        open_session(network(graph), runtime=runtime).run(PHOTO)


REFUSED = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from vectortag.core.errors import ModelFolderError
from vectortag.runtime.session import open_session
before, refused = time.process_time(), False
try:
    open_session(Path(sys.argv[1]), runtime=sys.argv[2]).run(np.full((1, 32, 32, 3), 200, np.uint8))
except ModelFolderError:
    refused = True
print(json.dumps([refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, time.process_time() - before]))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("graph", GRAPHS, ids=[graph.__name__ for graph in GRAPHS])
def test_the_refusal_takes_little_time_and_memory(
    network: Any, tmp_path: Path, tried: Record, graph: Callable[[], Graph], runtime: str
):
    (tmp_path / "model.onnx").write_bytes(network(graph))
    command = [sys.executable, "-c", REFUSED, str(tmp_path / "model.onnx"), runtime]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    refused, memory, seconds = json.loads(outcome.stdout)

    tried(f"networks with huge tensors, {runtime}", "refused with a reason" if refused else "run")
    tried.worst(f"networks with huge tensors, {runtime}", "CPU seconds", round(seconds, 2))
    tried.worst(f"networks with huge tensors, {runtime}", "MB of memory", round(memory / 1e6))
    assert refused
    assert memory < 1e9
    assert seconds < 5


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_an_ordinary_network_runs(network: Any, need_module: Callable[[str], Any], runtime: Any):
    need_module(runtime)

    def small() -> Graph:
        return [("Tile", ["eight", "r"], "big"), mean("big")], {"r": np.int64([1, 1, 2, 2])}

    maps = open_session(network(small), runtime=runtime).run(PHOTO)

    np.testing.assert_allclose(maps, np.full((1, 8, 32, 32), 400, np.float32))

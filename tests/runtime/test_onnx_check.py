"""A network from a stranger is looked at before a runtime reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectortag.core.errors import ModelFolderError
from vectortag.runtime.network_limits import MODEL, OPERATORS
from vectortag.runtime.onnx_check import check_network
from vectortag.runtime.session import open_session

Change = Callable[[Any], None]


@pytest.fixture
def onnx(need_module: Callable[[str], Any]) -> Any:
    return need_module("onnx")


@pytest.fixture
def changed(onnx: Any, tiny_network: bytes) -> Callable[[Change], bytes]:
    """changed(change): the tiny network after `change(model)`."""

    def make(change: Change) -> bytes:
        model = onnx.load_from_string(tiny_network)
        change(model)
        content: bytes = model.SerializeToString()
        return content

    return make


def refused(network: Path | bytes) -> str:
    with pytest.raises(ModelFolderError) as caught:
        check_network(network)
    return str(caught.value)


def test_what_a_training_exports_is_run(tiny_network: bytes, tmp_path: Path):
    (tmp_path / "network.onnx").write_bytes(tiny_network)

    check_network(tiny_network)
    check_network(tmp_path / "network.onnx")


def if_node(model: Any) -> None:
    model.graph.node[5].attribute.add(name="then_branch", type=5).g.name = "branch"


def external(model: Any) -> None:
    tensor = model.graph.initializer[2]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="../../secret")


def join_many(model: Any) -> None:
    model.graph.node.add(op_type="Sum", input=["relu1", "relu1", "relu1"], output=["sum"])


def set_operator(name: str, domain: str = "") -> Change:
    def change(model: Any) -> None:
        model.graph.node[5].op_type, model.graph.node[5].domain = name, domain

    return change


def set_dims(*dims: int) -> Change:
    return lambda model: model.graph.initializer[2].dims.__setitem__(slice(None), dims)


def set_values(value: float, kind: str = "<f4", code: int = 1) -> Change:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[2]
        tensor.data_type = code
        tensor.raw_data = np.full(tuple(tensor.dims), value).astype(kind).tobytes()

    return change


def set_pads(model: Any) -> None:
    next(one for one in model.graph.node[4].attribute if one.name == "pads").ints[0] = 1 << 20


def add_shape(model: Any) -> None:
    model.graph.initializer.add(name="shape", data_type=7, dims=[3], raw_data=np.int64([1 << 16] * 3).tobytes())


def not_finite(model: Any) -> None:
    model.graph.node[5].attribute.add(name="alpha", type=1, f=float("nan"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_operator("Loop"), "operator 'Loop' is not allowed"),
        (set_operator("If"), "operator 'If' is not allowed"),
        (set_operator("Scan"), "operator 'Scan' is not allowed"),
        (set_operator("Relu", "com.stranger"), "operator 'com.stranger.Relu' is not allowed"),
        (set_operator("\x1b[31m"), r"operator '\x1b[31m' is not allowed"),
        (if_node, "an attribute that is a graph"),
        (external, "is in another file"),
        (join_many, "Sum joins 3 tensors; the limit is 2"),
        (set_dims(1 << 31, 1 << 31), "declares 4,611,686,018,427,387,904 values"),
        (set_dims(8, 3, 3, 4), "declares 288 values and has 216"),
        (set_dims(-8, -3, 3, 3), "has the shape [-8, -3, 3, 3]"),
        (set_dims(*[1] * 9), "more than 8"),
        (set_values(np.nan), "not finite"),
        (set_values(-np.inf, "<f2", 10), "not finite"),
        (set_pads, "numbers in its attribute 'pads' that are too large"),
        (add_shape, "may be a shape of more than"),
        (not_finite, "attribute of Relu is not finite"),
        (lambda model: model.functions.add(name="f"), "functions"),
        (lambda model: model.graph.sparse_initializer.add(), "sparse tensors"),
        (lambda model: model.ClearField("graph"), "expected one graph, got 0"),
        (lambda model: model.graph.ClearField("node"), "no nodes"),
        (lambda model: model.graph.ClearField("output"), "no outputs"),
    ],
)
def test_a_strange_network_is_refused_with_a_reason(changed: Callable[[Change], bytes], change: Change, reason: str):
    assert reason in refused(changed(change))


def test_nor_do_the_runtimes_read_it(changed: Callable[[Change], bytes], need: Callable[..., None]):
    for runtime in ("openvino", "onnxruntime"):
        with pytest.raises(ModelFolderError, match="is in another file"):
            open_session(changed(external), runtime=runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_network_that_makes_no_feature_maps_is_refused(changed: Callable[[Change], bytes], runtime: Any):
    def weights_alone(model: Any) -> None:
        model.graph.output[0].name = "w1_out"
        model.graph.node.add(op_type="Identity", input=["mean"], output=["w1_out"])
        model.graph.output[0].type.tensor_type.ClearField("shape")

    with pytest.raises(ModelFolderError, match="float32, got"):
        open_session(changed(weights_alone), runtime=runtime).run(np.zeros((1, 32, 32, 3), np.uint8))


def test_a_network_that_makes_more_than_memory_holds_is_refused_before_it_is_run(changed: Callable[[Change], bytes]):
    def widen(model: Any) -> None:
        for number in (2, 3):
            tensor = model.graph.initializer[number]
            before = tensor.dims[0], tensor.dims[1]
            tensor.dims[0] = 4096
            if number == 3:
                tensor.dims[0], tensor.dims[1] = before[0], 4096
            tensor.raw_data = np.zeros(tuple(tensor.dims), np.float32).tobytes()

    session = open_session(changed(widen), runtime="openvino")

    assert session.run(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, 8, 8, 8)
    with pytest.raises(ModelFolderError, match=r"it holds [\d,]+ values of a photo"):
        session.run(np.zeros((1, 1024, 1024, 3), np.uint8))


@pytest.mark.parametrize("content", [b"", b"\x08", b"\x3a\xff\xff\xff\xff\x7f", b"\x00\x00", b"\xff" * 20, b"<xml/>"])
def test_what_is_no_network(tmp_path: Path, content: bytes):
    (tmp_path / "network.onnx").write_bytes(content)

    assert "network.onnx: " in refused(tmp_path / "network.onnx")


def test_many_empty_fields_end_the_reading():
    assert "too many fields" in refused(b"\x72\x00" * 2_000_000)


def test_it_is_not_longer_than_what_memory_holds(tiny_network: bytes):
    with pytest.raises(ModelFolderError, match="MiB"):
        check_network(tiny_network, replace(MODEL, most_bytes=100))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), st.floats(0.5, 1))
def test_any_damage_is_refused_or_a_network_that_onnx_reads_as_well(
    onnx: Any, need_module: Callable[[str], Any], tiny_network: bytes, damage: list[tuple[float, int]], kept: float
):
    content = bytearray(tiny_network)
    for place, value in damage:
        content[int(place * (len(content) - 1))] = value
    damaged = bytes(content[: int(kept * len(content))])
    try:
        check_network(damaged)
    except ModelFolderError:
        return

    try:
        graph = onnx.load_from_string(damaged).graph
    except need_module("google.protobuf.message").DecodeError:  # in a part that is not looked at
        return
    assert all(node.op_type in OPERATORS for node in graph.node)
    for tensor in graph.initializer:
        assert np.isfinite(onnx.numpy_helper.to_array(tensor)).all()

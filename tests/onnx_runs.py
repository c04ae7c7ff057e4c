"""Nodes that were added to a graph, run by ONNX Runtime."""

from __future__ import annotations

import numpy as np

from vectortag.assembly.onnx_graph import GraphBuilder

OPSET = 18


def run(graph: GraphBuilder, output: str, *, opset: int = OPSET, **inputs: np.ndarray) -> np.ndarray:
    """The value of an output for float32 inputs by their names, whose first dimension is free."""
    import onnxruntime
    from onnx import TensorProto, helper

    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *array.shape[1:]])
        for name, array in inputs.items()
    ]
    wanted = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    proto = helper.make_graph(graph.nodes, "test", given, [wanted], graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([output], inputs)[0]

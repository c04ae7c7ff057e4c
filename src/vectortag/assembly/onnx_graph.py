"""Nodes and constants to be added to an ONNX graph, each under a name of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import MissingExtraError
from vectortag.core.numerics import TINY

Array = npt.NDArray[Any]

AXES_ARE_INPUTS = 18
"""The opset from which the axes of a reduction are an input; ReduceSum has them so since 13."""


class GraphBuilder:
    """Adds nodes one after the other. A value is known by its name; N below is the number of photos.

    Attributes:
        onnx: the package.
        nodes, constants: what was added, as the package's NodeProto and TensorProto.
    """

    def __init__(self, opset: int) -> None:
        self.onnx = import_onnx()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._opset = opset
        self._named: dict[int, tuple[Array, str]] = {}

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, and return the name of that."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, array: Array) -> str:
        """A constant. Of float32, values that fp16 holds exactly are stored so, in half of the space."""
        if id(array) not in self._named:
            self._named[id(array)] = array, self._stored(array)
        return self._named[id(array)][1]

    def number(self, value: float) -> str:
        """A number in float32, which any array can be combined with."""
        return self._stored(np.array([value], np.float32))

    def integers(self, *values: int) -> str:
        """A list of whole numbers, such as axes or a shape."""
        return self._stored(np.array(values, np.int64))

    def reduce(self, operator: str, values: str, axis: int) -> str:
        """ReduceMax, ReduceMin, ReduceL2 or ReduceSum along an axis, which stays with length 1."""
        if self._opset >= AXES_ARE_INPUTS or operator == "ReduceSum":
            return self.add(operator, values, self.integers(axis), keepdims=1)
        return self.add(operator, values, axes=[axis], keepdims=1)

    def to_float(self, values: str) -> str:
        """The same in float32."""
        return self.add("Cast", values, to=self.onnx.TensorProto.FLOAT)

    def reshape(self, values: str, *shape: int) -> str:
        """The same in another shape; 0 keeps a dimension, -1 is what is left."""
        return self.add("Reshape", values, self.integers(*shape))

    def replaced(self, values: str, count: int, rows: Array, by: str) -> str:
        """Values along axis 1 with some of them replaced.

        Args:
            values: (N, count, ..).
            rows: (R,), which.
            by: (N, R, ..).
        """
        order = np.arange(count, dtype=np.int64)
        order[rows] = count + np.arange(len(rows))
        return self.chosen(self.add("Concat", values, by, axis=1), order)

    def chosen(self, values: str, rows: Array) -> str:
        """Some values along axis 1: (N, T, ..), (R,) -> (N, R, ..)."""
        return self.add("Gather", values, self.constant(rows.astype(np.int32)), axis=1)

    def indices(self, array: Array) -> str:
        """Whole numbers in int64, as operators want them that look up values.

        They are stored in int32: `vectortag.runtime.onnx_check` takes a few numbers in int64 for a shape.
        """
        return self.add("Cast", self.constant(array.astype(np.int32)), to=self.onnx.TensorProto.INT64)

    def unit(self, vectors: str, axis: int) -> tuple[str, str]:
        """Vectors scaled to length 1 along an axis, as `vectortag.core.numerics.unit` does; and their lengths."""
        lengths = self.add("Max", self.reduce("ReduceL2", vectors, axis), self.number(TINY))
        return self.add("Div", vectors, lengths), lengths

    def _stored(self, array: Array) -> str:
        name, stored = f"constant_{len(self.constants)}", np.ascontiguousarray(array)
        if stored.dtype == np.float32 and stored.size > 1 and _fits_fp16(stored):
            stored = stored.astype(np.float16)
        self.constants.append(self.onnx.numpy_helper.from_array(stored, name))
        return name if stored.dtype == array.dtype else self.to_float(name)


def _fits_fp16(array: Array) -> bool:
    with np.errstate(over="ignore"):
        return bool((array.astype(np.float16).astype(np.float32) == array).all())


def import_onnx() -> Any:
    """The package onnx.

    Raises:
        MissingExtraError: it is not installed, or ONNX Runtime is not, which what is exported is checked with.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Exporting", "ONNX and ONNX Runtime", "quantise") from error
    return onnx

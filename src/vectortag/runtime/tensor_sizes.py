"""How many values a network holds in memory for one photo: known from the shapes, before anything is computed."""

from __future__ import annotations

import math
from typing import Any

from vectortag.core.errors import ModelFolderError

MOST_VALUES = 1 << 27
"""Held at the same time for one photo: 512 MB in float32. `lite2` holds 50 million at 1024 pixels."""


def check_tensor_sizes(model: Any, name: str, *, batch: int = 1) -> None:
    """Refuse a network whose tensors, at its present input shape, need more memory than `MOST_VALUES`.

    Constants do not count: the size of the file bounds them.

    Args:
        model: an OpenVINO model.
        name: of the network, for the message.
        batch: photos in the input.

    Raises:
        ModelFolderError: they need more, or the input is of a fixed shape and the size of a tensor is not.
    """
    fixed = all(one.get_partial_shape().is_static for one in model.inputs)
    readers: dict[tuple[str, int], int] = {}
    counts: dict[tuple[str, int], int] = {}
    held = 0
    for operation in model.get_ordered_ops():
        kind, node = operation.get_type_name(), operation.get_name()
        for output in operation.outputs():
            shape = output.get_partial_shape()
            if fixed and shape.is_dynamic:
                raise ModelFolderError(f"{name}: the size of what its operator {kind} makes depends on the photo")
            key = node, output.get_index()
            counts[key] = 0 if kind == "Constant" or shape.is_dynamic else math.prod(shape.to_shape()) // batch
            readers[key] = len(output.get_target_inputs())
            held += counts[key]
        if held > MOST_VALUES:
            raise ModelFolderError(
                f"{name}: with its operator {kind}, it holds {held:,} values of a photo at the same time; "
                f"the limit is {MOST_VALUES:,}"
            )
        for input_ in operation.inputs():
            source = input_.get_source_output()
            key = source.get_node().get_name(), source.get_index()
            readers[key] -= 1
            if readers[key] == 0:
                held -= counts[key]

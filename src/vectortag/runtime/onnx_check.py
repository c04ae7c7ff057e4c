"""What an ONNX file may hold before a runtime reads it: a network of known operators, with bounded, finite tensors.

A model folder may come from a stranger. A runtime allocates what a file declares, reads other files that it names, and
may abort the process; here the file is only looked at. The numbers of fields are those of onnx.proto,
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ModelFolderError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.runtime.external_data import ExternalData, add_entry
from vectortag.runtime.network_limits import MODEL, NetworkLimits
from vectortag.runtime.protobuf import (
    Budget,
    Value,
    WireError,
    are_finite,
    count_packed,
    fields,
    integers,
    message,
    text,
)

MOST_NODES = 20_000
"""Of a graph, and as many constants. ViT-L has about 2,000."""
MOST_DIMENSIONS = 8
LARGEST_NUMBER = 1 << 16
"""Of an attribute."""
TO_THE_END = (1 << 31) - 1
"""This and more is where a slice ends that goes to the end."""
MOST_NUMBERS = 1_000
"""Of one attribute."""
MOST_VALUES = 1 << 26
"""Of a shape that a network may fill."""
AT_ONCE = 1 << 24
"""Values that are looked at together."""

PAIRWISE = frozenset({"Sum", "Max", "Min", "Einsum"})
"""Operators that may join any number of tensors, which are all in memory then; here they join two."""
DOMAINS = frozenset({"", "ai.onnx"})

ITEM_SIZES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes of one value by TensorProto.DataType; half bytes, complex numbers and texts are not among them."""
MOST_HALVES = 100_000
"""Of float16 and bfloat16 that are not in `raw_data`; they are looked at one by one."""
FLOATS = {1: "<f4", 11: "<f8"}
EXPONENTS = {10: 0x7C00, 16: 0x7F80}
"""All bits of the exponent, which numbers that are not finite have set: of float16 and bfloat16."""
MINUS_INFINITY = {10: 0xFC00, 16: 0xFF80}
INT64 = 7
NUMBERS = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
"""The fields of TensorProto that hold its values one by one, and the bytes of each; 0 is of any length."""


@dataclass(slots=True)
class _Tensor:
    """A TensorProto, as far as it is looked at."""

    name: str = ""
    dims: list[int] = field(default_factory=list)
    data_type: int = 0
    raw: memoryview | None = None
    counted: int = 0
    parts: list[tuple[int, Value]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What goes with a network while it is looked at: how much it may hold, and the files beside it, if any count."""

    limits: NetworkLimits
    external: ExternalData | None = None
    budget: Budget = field(default_factory=Budget)


def check_network(network: Path | bytes, limits: NetworkLimits = MODEL) -> tuple[Path, ...]:
    """Refuse a file that is no network as above. It takes about 0.1 s, and no memory to speak of.

    Args:
        limits: how much it may hold.

    Returns:
        The files beside it that hold some of its constants, where the limits allow that.

    Raises:
        ModelFolderError: it is not; the message says what is wrong.
    """
    name = "network" if isinstance(network, bytes) else escape_path(network)
    try:
        if isinstance(network, bytes):
            _check_model(memoryview(network), _Reading(limits))
            return ()
        external = ExternalData(network, limits.most_bytes) if limits.external else None
        with open_regular(network) as file:  # the map is closed when nothing looks into it any more
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            _check_model(content, _Reading(limits, external))
        return () if external is None else external.files
    except WireError as error:
        raise ModelFolderError(f"{name}: not a network that is run: {error}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFolderError(f"{name}: the network cannot be read: {reason}") from error


def _check_model(content: memoryview, reading: _Reading) -> None:
    most = reading.limits.most_bytes
    if len(content) > most:
        raise WireError(f"it has {len(content) >> 20} MiB; the limit is {most >> 20}")
    graphs = []
    for number, value in fields(content, reading.budget):
        if number == 7:
            graphs.append(message(value))
        elif number in (20, 25):
            raise WireError("it has functions or a training of its own")
    if len(graphs) != 1:
        raise WireError(f"expected one graph, got {len(graphs)}")
    nodes = constants = outputs = 0
    for number, value in fields(graphs[0], reading.budget):
        if number == 1:
            nodes += 1
            _check_node(message(value), reading)
        elif number == 5:
            constants += 1
            _check_tensor(message(value), reading)
        elif number == 12:
            outputs += 1
        elif number == 15:
            raise WireError("it has sparse tensors")
        if max(nodes, constants) > MOST_NODES:
            raise WireError(f"it has more than {MOST_NODES:,} nodes or constants")
    if not nodes:
        raise WireError("its graph has no nodes")
    if not outputs:
        raise WireError("its graph has no outputs")


def _check_node(node: memoryview, reading: _Reading) -> None:
    operator = domain = ""
    attributes = []
    inputs = 0
    for number, value in fields(node, reading.budget):
        if number == 1:
            inputs += 1
        elif number == 4:
            operator = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            attributes.append(message(value))
    if operator not in reading.limits.operators or domain not in DOMAINS:
        raise WireError(f"the operator {_shown(f'{domain}.{operator}' if domain else operator)} is not allowed")
    if operator in PAIRWISE and inputs > 2:
        raise WireError(f"{operator} joins {inputs} tensors; the limit is 2")
    for attribute in attributes:
        _check_attribute(attribute, operator, reading)


def _check_attribute(attribute: memoryview, operator: str, reading: _Reading) -> None:
    name, numbers = "", []
    for number, value in fields(attribute, reading.budget):
        if number == 1:
            name = text(value)
        elif number in (3, 8):
            numbers += integers(value, MOST_NUMBERS)
        elif number in (2, 7) and not are_finite(value):
            raise WireError(f"an attribute of {operator} is not finite")
        elif number in (5, 10):
            _check_tensor(message(value), reading)
        elif number in (6, 11, 14, 15, 21, 22, 23):
            raise WireError(f"{operator} has an attribute that is a graph, or of another kind that is not allowed")
    if any(abs(one) > LARGEST_NUMBER and one < TO_THE_END for one in numbers) or len(numbers) > MOST_NUMBERS:
        raise WireError(f"{operator} has numbers in its attribute {_shown(name)} that are too large or too many")


def _check_tensor(content: memoryview, reading: _Reading) -> None:
    tensor, most = _read_tensor(content, reading), reading.limits.most_values
    name, size = _shown(tensor.name), ITEM_SIZES.get(tensor.data_type)
    if size is None:
        raise WireError(f"the tensor {name} is of a type that is not allowed ({tensor.data_type})")
    if len(tensor.dims) > MOST_DIMENSIONS or any(one < 0 for one in tensor.dims):
        raise WireError(f"the tensor {name} has the shape {tensor.dims[:MOST_DIMENSIONS]}")
    count = math.prod(tensor.dims)
    there = tensor.counted if tensor.raw is None else len(tensor.raw) / size
    if count > most or count != there or (tensor.raw is not None and tensor.counted):
        raise WireError(f"the tensor {name} declares {count:,} values and has {there:,.0f}; the limit is {most:,}")
    if not _is_finite(tensor, reading.limits):
        raise WireError(f"the tensor {name} has values that are not finite")
    if tensor.data_type == INT64 and count <= MOST_DIMENSIONS:
        _check_shape(name, list(_int64s(tensor)))


def _read_tensor(content: memoryview, reading: _Reading) -> _Tensor:
    tensor, elsewhere, is_external = _Tensor(), dict[str, str](), False
    for number, value in fields(content, reading.budget):
        if number == 1:
            tensor.dims += integers(value, MOST_DIMENSIONS)
            if len(tensor.dims) > MOST_DIMENSIONS:
                raise WireError(f"a tensor has more than {MOST_DIMENSIONS} dimensions")
        elif number == 2:
            tensor.data_type = value if isinstance(value, int) else 0
        elif number == 8:
            tensor.name = text(value)
        elif number == 9:
            tensor.raw = message(value)
        elif number in NUMBERS:
            tensor.counted += count_packed(value, NUMBERS[number])
            tensor.parts.append((number, value))
        elif number == 13:
            add_entry(elsewhere, message(value), reading.budget)
        elif number == 14:
            is_external = value != 0
        elif number in (3, 6):
            raise WireError(f"the tensor {_shown(tensor.name)} is of texts or in segments")
    if elsewhere or is_external:
        if reading.external is None or tensor.raw is not None or tensor.counted or not is_external:
            raise WireError(f"the tensor {_shown(tensor.name)} is in another file")
        tensor.raw = reading.external.part(elsewhere)
    return tensor


def _is_finite(tensor: _Tensor, limits: NetworkLimits) -> bool:
    """Whether the values are; -inf counts as finite where the limits allow it."""
    exponent, lowest = EXPONENTS.get(tensor.data_type), MINUS_INFINITY.get(tensor.data_type)
    allowed = lowest if limits.minus_infinity else None
    if tensor.raw is None and exponent:  # each in a number of its own
        halves = (one for _, value in tensor.parts for one in integers(value, MOST_HALVES))
        return all(one & exponent != exponent or one == allowed for one in halves)
    if tensor.raw is None:
        return all(
            _all_finite(np.frombuffer(value, "<f4" if number == 4 else "<f8"), limits)
            for number, value in tensor.parts
            if number in (4, 10) and isinstance(value, memoryview)
        )
    if kind := FLOATS.get(tensor.data_type):
        return _all_finite(np.frombuffer(tensor.raw, kind), limits)
    if exponent:
        bits = np.frombuffer(tensor.raw, "<u2")
        starts = range(0, len(bits), AT_ONCE)
        parts = (bits[start : start + AT_ONCE] for start in starts)
        return all(not bool((((one & exponent) == exponent) & (one != (allowed or 0))).any()) for one in parts)
    return True


def _all_finite(values: npt.NDArray[np.floating], limits: NetworkLimits) -> bool:
    parts = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
    if limits.minus_infinity:
        return all(bool((np.isfinite(part) | np.isneginf(part)).all()) for part in parts)
    return all(bool(np.isfinite(part).all()) for part in parts)


def _int64s(tensor: _Tensor) -> Iterator[int]:
    if tensor.raw is not None:
        yield from np.frombuffer(tensor.raw, "<i8").tolist()
    for _, value in tensor.parts:
        yield from integers(value, MOST_DIMENSIONS)


def _check_shape(name: str, numbers: list[int]) -> None:
    """Any few whole numbers may be a shape, that an operator fills."""
    sizes = [abs(one) for one in numbers if abs(one) < TO_THE_END and one != 0]
    if any(one > MOST_VALUES for one in sizes) or math.prod(sizes) > MOST_VALUES:
        raise WireError(f"the tensor {name} may be a shape of more than {MOST_VALUES:,} values")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "...")

"""A text network gives the hidden states of each word piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vectortag.core.errors import ModelFolderError
from vectortag.runtime.text_session import TextSession

VECTORS = np.random.default_rng(0).normal(0, 1, (9, 4)).astype(np.float32)
OF_TYPE = np.float32([[10] * 4, [20] * 4])
OF_MASK = np.float32([[0] * 4, [1] * 4])


@pytest.fixture
def text_network(need_module: Callable[[str], ModuleType], tmp_path: Path) -> Path:
    """Its hidden states: mask * (the vector of the piece + that of its type)."""
    need_module("onnx")
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    tables = {"input_ids": VECTORS, "token_type_ids": OF_TYPE, "attention_mask": OF_MASK}
    nodes = [helper.make_node("Gather", [f"table of {name}", name], [f"of {name}"]) for name in tables]
    nodes += [
        helper.make_node("Add", ["of input_ids", "of token_type_ids"], ["sum"]),
        helper.make_node("Mul", ["sum", "of attention_mask"], ["hidden"]),
    ]
    graph = helper.make_graph(
        nodes,
        "texts",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "L"]) for name in tables],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["n", "L", 4])],
        [numpy_helper.from_array(table, f"table of {name}") for name, table in tables.items()],
    )
    file = tmp_path / "texts.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file


@pytest.mark.parametrize("pieces", [[[3, 1, 4]], [[1, 5], [2, 6]]])
def test_every_piece_is_seen_as_one_of_the_first_text(text_network: Path, pieces: list[list[int]]):
    hidden = TextSession(text_network, "0" * 64).hidden(pieces)

    assert hidden.dtype == np.float32
    np.testing.assert_allclose(hidden, VECTORS[np.array(pieces)] + 10, rtol=1e-6)


def test_the_second_time_it_is_read_from_the_cache(text_network: Path, tmp_path: Path):
    expected = TextSession(text_network, "0" * 64).hidden([[3, 1, 4]])

    again = TextSession(tmp_path / "not looked at.onnx", "0" * 64)

    np.testing.assert_array_equal(again.hidden([[3, 1, 4]]), expected)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    file = tmp_path / "texts.onnx"
    file.write_bytes(b"no network")

    with pytest.raises(ModelFolderError, match=r"texts\.onnx"):
        TextSession(file, "0" * 64)

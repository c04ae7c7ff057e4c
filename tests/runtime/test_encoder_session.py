"""The two networks of an encoder, on both runtimes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tiny_encoder import PIECES, SIZE, write_encoder

from vectortag.core.errors import ModelFolderError
from vectortag.runtime.encoder_session import PhotoEncoderSession, TextEncoderSession, checked_embeddings


@pytest.fixture(autouse=True)
def _needed(need_module: Callable[[str], ModuleType]) -> None:
    need_module("onnx")
    need_module("tokenizers")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """write(masked=...): an encoder's folder."""
    return lambda **fields: write_encoder(tmp_path / "encoder", **fields)


def test_onnx_runtime_reads_texts_as_openvino_does(write: Callable[..., Path]):
    network = write(masked=True) / "textual" / "model.onnx"
    pieces, mask = [2, 4, *[0] * (PIECES - 2)], [1, 1, *[0] * (PIECES - 2)]

    found = [TextEncoderSession(network, runtime=one).embed(pieces, mask) for one in ("openvino", "onnxruntime")]

    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_network_that_makes_no_embeddings_is_refused(tmp_path: Path, tiny_network: bytes, runtime):
    (tmp_path / "model.onnx").write_bytes(tiny_network)
    ones = np.ones(3, np.float32)
    session = PhotoEncoderSession(tmp_path / "model.onnx", ones, ones, runtime=runtime, threads=1)

    with pytest.raises(ModelFolderError):
        session.run(np.zeros((1, SIZE, SIZE, 3), np.uint8))


def test_a_network_with_the_inputs_of_photos_reads_no_text(write: Callable[..., Path]):
    with pytest.raises(ModelFolderError, match="expected one input with the numbers of a text's pieces"):
        TextEncoderSession(write() / "visual" / "model.onnx")


@pytest.mark.parametrize("embeddings", [np.zeros((1, 2, 3)), np.zeros((1, 1)), np.full((1, 4), np.nan)])
def test_what_is_no_embedding_is_refused(embeddings: np.ndarray):
    with pytest.raises(ModelFolderError, match=r"model\.onnx"):
        checked_embeddings(embeddings.astype(np.float32), Path("model.onnx"))

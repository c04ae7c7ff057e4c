"""The network of a text model, which reads texts as numbered word pieces."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vectortag.core.types import FloatArray
from vectortag.runtime.openvino import OpenVinoSession


class TextSession:
    """The network, in float32 on one core.

    Args:
        network: an ONNX file with the inputs input_ids, attention_mask and token_type_ids.
        digest: its sha256, under which the compiled network is cached for the next time.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelFolderError: it cannot load the network.
    """

    CONFIG: ClassVar[dict[str, Any]] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}

    def __init__(self, network: Path, digest: str) -> None:
        session = OpenVinoSession(network, 1, "f32", digest)
        self._request = session.compile_dynamic(self.CONFIG).create_infer_request()
        self._running = threading.Lock()

    def hidden(self, pieces: Sequence[Sequence[int]]) -> FloatArray:
        """The last hidden states of n texts of L pieces each: (n, L) -> (n, L, D) float32."""
        ids = np.array(pieces, np.int64)
        with self._running:
            result: FloatArray = self._request.infer(
                {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            )[0]
        return result

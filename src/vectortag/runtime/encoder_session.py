"""The two networks of an image-text encoder: photos to embeddings behind `Session`, and numbered pieces to embeddings.

Such a network computes one photo or text a run: exporters fix that number, and in float32 a larger one is no faster on
a processor. Many runs are in flight at the same time instead, one a core.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import MissingExtraError, ModelFolderError
from vectortag.core.file_names import escape_path
from vectortag.core.numerics import unit
from vectortag.core.types import Arithmetic, FloatArray, Images
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.network_limits import ENCODER
from vectortag.runtime.onnxruntime import OnnxRuntimeSession
from vectortag.runtime.openvino import OpenVinoSession
from vectortag.runtime.session import Engine, Runtime, Session, open_session
from vectortag.runtime.text_session import TextSession

MOST_WIDTH = 4096
"""Numbers of an embedding; SigLIP 2 has up to 1536."""


class PhotoEncoderSession:
    """The image side of an encoder as a `Session`: its embeddings are feature maps of one cell, of length 1.

    The network is loaded for the first photo: where all embeddings are in a cache, it is not needed. It computes in
    float32, so that similarities are the same on every machine.

    Args:
        network: an ONNX file, (1, 3, S, S) float32 -> (1, D).
        mean, deviation: (3,), of red, green and blue in [0, 1]; planes are normalised by them.
        runtime, threads: as in `vectortag.runtime.session.open_session`.
    """

    precision: Arithmetic = "f32"
    batch = 1

    def __init__(
        self,
        network: Path,
        mean: FloatArray,
        deviation: FloatArray,
        *,
        runtime: Runtime = "auto",
        threads: int | None = None,
    ) -> None:
        self._network, self._mean, self._deviation = network, mean, deviation
        self._wanted = runtime
        self.threads = threads or usable_cores()
        self._opening = threading.Lock()
        self._opened: Session | None = None

    @property
    def runtime(self) -> Engine:
        """What runs it."""
        return self._session.runtime

    @property
    def _session(self) -> Session:
        with self._opening:
            if self._opened is None:
                self._opened = open_session(self._network, runtime=self._wanted, threads=self.threads, limits=ENCODER)
            return self._opened

    def release(self) -> None:
        """See `vectortag.runtime.session.Session.release`."""
        with self._opening:
            if self._opened is not None:
                self._opened.release()

    def run(self, images: Images, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        """(N, S, S, 3) uint8 -> (N, D, 1, 1) float32; see `vectortag.runtime.session.Session.run`.

        Raises:
            MissingExtraError: the runtime is not installed.
            ModelFolderError: the network is refused, cannot be loaded or run, or gives no embeddings.
        """
        normalised = (images.astype(np.float32) / 255 - self._mean) / self._deviation
        planes = np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), np.float32)  # (N, 3, S, S)
        embeddings = checked_embeddings(self._session.run(planes, batch=batch, concurrent=concurrent), self._network)
        return embeddings[:, :, None, None]


class _NamedNetwork(Protocol):
    @property
    def inputs(self) -> dict[str, str]: ...

    def run_named(self, inputs: Mapping[str, npt.NDArray[Any]]) -> FloatArray: ...


class _OpenVinoTexts:
    """OpenVINO's network of inputs by their names, on one core."""

    def __init__(self, network: Path) -> None:
        self._network = network
        session = OpenVinoSession(network, 1, "f32", limits=ENCODER)
        compiled = session.compile_dynamic(TextSession.CONFIG)
        types = {"i32": "int32", "i64": "int64"}
        self.inputs = {
            one.get_any_name(): types.get(kind := one.get_element_type().get_type_name(), kind)
            for one in compiled.inputs
        }
        self._request = compiled.create_infer_request()
        self._running = threading.Lock()

    def run_named(self, inputs: Mapping[str, npt.NDArray[Any]]) -> FloatArray:
        with self._running:
            try:
                output: FloatArray = np.array(self._request.infer(dict(inputs))[0])
            except RuntimeError as error:
                name = escape_path(self._network)
                raise ModelFolderError(f"{name}: OpenVINO cannot run it: {error}") from error
        return output


class TextEncoderSession:
    """The text side of an encoder.

    Raises:
        MissingExtraError: no runtime is installed.
        ModelFolderError: the network is refused, cannot be loaded, or has other inputs than those of a text.
    """

    def __init__(self, network: Path, *, runtime: Runtime = "auto") -> None:
        self._network = network
        self._session: _NamedNetwork = _open_texts(network, runtime)
        self._types = {name: np.dtype(kind) for name, kind in self._session.inputs.items() if kind in _WHOLE}
        names = set(self._session.inputs)
        self._masked = "attention_mask" in names
        pieces = names - {"attention_mask"}
        if len(pieces) != 1 or self._types.keys() != names:
            described = ", ".join(f"{name} of {kind}" for name, kind in self._session.inputs.items())
            raise ModelFolderError(
                f"{escape_path(network)}: expected one input with the numbers of a text's pieces, and perhaps an "
                f"attention_mask, got {described}"
            )
        (self._pieces,) = pieces

    def embed(self, pieces: list[int], mask: list[int]) -> FloatArray:
        """The embedding (D,) of one text, of length 1.

        Args:
            pieces, mask: of the same length; the mask is 0 where a piece only fills the text up.

        Raises:
            ModelFolderError: the network cannot be run, or gives no embedding.
        """
        inputs = {self._pieces: np.array([pieces], self._types[self._pieces])}
        if self._masked:
            inputs["attention_mask"] = np.array([mask], self._types["attention_mask"])
        return checked_embeddings(self._session.run_named(inputs), self._network)[0]


_WHOLE = ("int32", "int64")


def _open_texts(network: Path, runtime: Runtime) -> _NamedNetwork:
    if runtime in ("auto", "openvino"):
        try:
            return _OpenVinoTexts(network)
        except MissingExtraError:
            if runtime == "openvino":
                raise
    return OnnxRuntimeSession(network, 1, "f32", ENCODER)


def checked_embeddings(embeddings: FloatArray, network: Path) -> FloatArray:
    """(N, D) at length 1.

    Raises:
        ModelFolderError: they have another shape, or are not finite.
    """
    if embeddings.ndim != 2 or not 2 <= embeddings.shape[1] <= MOST_WIDTH:
        raise ModelFolderError(
            f"{escape_path(network)}: expected embeddings (N, D) with D from 2 to {MOST_WIDTH:,}, "
            f"got {embeddings.shape}"
        )
    units = unit(embeddings.astype(np.float32, copy=False))
    if not np.isfinite(units).all():
        raise ModelFolderError(f"{escape_path(network)}: its embeddings are not finite")
    return units

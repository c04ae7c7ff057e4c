"""ONNX Runtime: `Session` for machines without OpenVINO, and on an NVIDIA GPU."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.core.types import Arithmetic, FloatArray, Images
from vectortag.runtime.network_limits import MODEL, NetworkLimits
from vectortag.runtime.onnx_check import check_network
from vectortag.runtime.openvino import foresee_sizes


class OnnxRuntimeSession:
    """See `vectortag.runtime.session.Session`. Batches do not pay here, so `batch` is 1.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ModelFolderError: it cannot load the network.
    """

    runtime: ClassVar[Literal["onnxruntime", "cuda"]] = "onnxruntime"
    providers: ClassVar[list[Any]] = ["CPUExecutionProvider"]
    batch = 1

    def __init__(
        self, network: Path | bytes, threads: int, precision: Arithmetic, limits: NetworkLimits = MODEL
    ) -> None:
        self.threads, self._limits = threads, limits
        self.precision: Arithmetic = "int8" if precision == "int8" else "f32"
        check_network(network, limits)
        foresee_sizes(network)
        self._network = network
        self._sessions: dict[int, Any] = {}
        self._foreseen: set[tuple[int, ...]] = set()
        self._running = threading.BoundedSemaphore(threads)
        self._session(1)

    def run(self, images: Images, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        """See `vectortag.runtime.session.Session.run`."""
        runs = [images[first : first + batch] for first in range(0, len(images), batch)]
        if concurrent:
            maps = [self._run_on_one_core(part) for part in runs]
        elif len(runs) == 1:
            maps = [self._run_on_all_cores(runs[0])]
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                maps = list(pool.map(self._run_on_one_core, runs))
        return np.concatenate(maps)

    def release(self) -> None:
        """Nothing: it has no cache of compiled networks, and to make one takes seconds."""

    @property
    def inputs(self) -> dict[str, str]:
        """The names of the inputs and the types of their numbers, as "int32"."""
        return {one.name: one.type.removeprefix("tensor(").removesuffix(")") for one in self._session(1).get_inputs()}

    def run_named(self, inputs: Mapping[str, npt.NDArray[Any]]) -> FloatArray:
        """The first output for inputs by their names, on one core.

        Raises:
            ModelFolderError: the network cannot be run so.
        """
        with self._running:
            try:
                output: FloatArray = self._session(1).run(None, dict(inputs))[0]
            except Exception as error:  # its exception classes are private
                raise ModelFolderError(f"{self._name}: ONNX Runtime cannot run it: {error}") from error
        return output

    def _run_on_one_core(self, images: Images) -> FloatArray:
        with self._running:
            return self._run(images, 1)

    def _run_on_all_cores(self, images: Images) -> FloatArray:
        return self._run(images, self.threads)

    def _run(self, images: Images, threads: int) -> FloatArray:
        if images.shape not in self._foreseen:
            foresee_sizes(self._network, images.shape)
            self._foreseen.add(images.shape)
        session = self._session(threads)
        try:
            maps: FloatArray = session.run(None, {session.get_inputs()[0].name: images})[0]
        except Exception as error:  # its exception classes are private
            raise ModelFolderError(f"{self._name}: ONNX Runtime cannot run it: {error}") from error
        if maps.ndim not in self._limits.ranks or maps.dtype != np.float32:
            expected = "(N, K, h, w)" if self._limits is MODEL else "(N, D)"
            raise ModelFolderError(f"{self._name}: expected {expected} float32, got {maps.shape} of {maps.dtype}")
        return maps

    @property
    def _name(self) -> str:
        return "network" if isinstance(self._network, bytes) else str(self._network)

    def _session(self, threads: int) -> Any:
        """ONNX Runtime's session that computes a run on `threads` cores."""
        if threads not in self._sessions:
            self._sessions[threads] = self._open(threads)
        return self._sessions[threads]

    def _open(self, threads: int) -> Any:
        onnxruntime = _import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: a warning on stderr is not for the user of a tagger
        network = self._network if isinstance(self._network, bytes) else str(self._network)
        try:
            return onnxruntime.InferenceSession(network, options, providers=self.providers, enable_fallback=0)
        except Exception as error:  # its exception classes are private
            raise ModelFolderError(f"{self._name}: ONNX Runtime cannot load it: {error}") from error


class CudaSession(OnnxRuntimeSession):
    """ONNX Runtime on an NVIDIA GPU, by the package onnxruntime-gpu.

    The cores decode, and each hands its photo to the GPU. Its float32 is float32: a GPU would round what it multiplies
    to TF32 by itself, and that moves scores.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ModelFolderError: it cannot load the network.
        VectorTagError: it has no GPU that it can use.
    """

    runtime = "cuda"
    providers: ClassVar[list[Any]] = [
        ("CUDAExecutionProvider", {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}),
        "CPUExecutionProvider",  # for the few small nodes that the GPU leaves to it
    ]

    def _run_on_all_cores(self, images: Images) -> FloatArray:
        return self._run_on_one_core(images)  # the GPU computes, and its memory holds the network once

    def _open(self, threads: int) -> Any:
        onnxruntime = _import_onnxruntime()
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise VectorTagError(
                "runtime cuda: this ONNX Runtime computes on the CPU alone. Run: pip uninstall onnxruntime; "
                "pip install 'onnxruntime-gpu[cuda,cudnn]'"
            )
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it cannot find; the session says so below
            onnxruntime.preload_dlls()
        session = super()._open(threads)
        if "CUDAExecutionProvider" not in session.get_providers():  # it goes on without, and only logs that
            raise VectorTagError(
                "runtime cuda: ONNX Runtime cannot use a GPU here: there is none, or its driver, CUDA or cuDNN is "
                "missing (ONNX Runtime named it above). Run: pip install 'onnxruntime-gpu[cuda,cudnn]'; "
                "or leave out --runtime cuda"
            )
        return session


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("The runtime onnxruntime", "ONNX Runtime", "onnx") from error
    return onnxruntime

"""The only owner of the runtimes: OpenVINO, and ONNX Runtime behind the same small interface."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np

from vectortag.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.places import cache_home
from vectortag.types import ByteArray, FloatArray

Runtime = Literal["auto", "openvino", "onnxruntime"]
Precision = Literal["auto", "exact", "bf16"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Session(Protocol):
    """A loaded network.

    Attributes:
        runtime: what runs it, "openvino" or "onnxruntime".
        precision: what it computes in, for example "f32".
    """

    runtime: str
    precision: str

    def feature_maps(self, images: ByteArray) -> FloatArray:
        """(N, H, W, 3) uint8 -> (N, K, h, w) float32; N may differ from call to call."""
        ...


def open_session(
    network: Path, *, runtime: Runtime = "auto", precision: Precision = "auto", threads: int | None = None
) -> Session:
    """Load a network.

    Args:
        network: the ONNX file.
        runtime: "auto" is OpenVINO, or ONNX Runtime where OpenVINO is not installed.
        precision: "exact" is float32 everywhere; "auto" may be lower where that was measured to cost nothing;
            "bf16" asks for bfloat16, which OpenVINO uses where the processor has it.
        threads: how many threads compute; None is as many as this process has cores.

    Raises:
        MissingExtraError: the runtime is not installed.
        ModelFolderError: the runtime cannot load the network.
        VectorTagError: no such runtime or precision.
    """
    if runtime not in RUNTIMES or precision not in PRECISIONS:
        raise VectorTagError(
            f"runtime {runtime!r}, precision {precision!r}: expected one of {', '.join(RUNTIMES)}, "
            f"and one of {', '.join(PRECISIONS)}"
        )
    threads = threads or usable_cores()
    if runtime == "onnxruntime":
        return OnnxRuntimeSession(network, threads)
    try:
        return OpenVinoSession(network, threads, "bf16" if precision == "bf16" else "f32")
    except MissingExtraError:
        if runtime == "openvino":
            raise
        return OnnxRuntimeSession(network, threads)


class OpenVinoSession:
    """The core runtime."""

    runtime = "openvino"

    def __init__(self, network: Path, threads: int, precision: str = "f32") -> None:
        self.precision = precision
        core = _import_openvino().Core()
        config = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if (cache := _compiled_cache()) is not None:
            config["CACHE_DIR"] = cache
        try:
            self._compiled = core.compile_model(str(network), "CPU", config)
        except RuntimeError as error:
            raise ModelFolderError(f"{network}: OpenVINO cannot load it: {error}") from error
        self._request = self._compiled.create_infer_request()

    def feature_maps(self, images: ByteArray) -> FloatArray:
        result = self._request.infer([images], share_inputs=True)
        return np.asarray(result[0], np.float32)


class OnnxRuntimeSession:
    """The second runtime: for machines without OpenVINO."""

    runtime = "onnxruntime"
    precision = "f32"

    def __init__(self, network: Path, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("The runtime onnxruntime", "ONNX Runtime", "onnx") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: a warning on stderr is not for the user of a tagger
        try:
            self._session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exception classes are private
            raise ModelFolderError(f"{network}: ONNX Runtime cannot load it: {error}") from error
        self._input = self._session.get_inputs()[0].name

    def feature_maps(self, images: ByteArray) -> FloatArray:
        return np.asarray(self._session.run(None, {self._input: images})[0], np.float32)


def _import_openvino() -> Any:
    """Import OpenVINO without its telemetry.

    `import openvino` looks up an analytics host from a forked process and leaves a file in the home folder, unless
    `openvino_telemetry` cannot be imported: then it takes its own stub, which does nothing.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("The runtime openvino", "OpenVINO", "all") from error
    return openvino


def _compiled_cache() -> str | None:
    """Where OpenVINO keeps compiled networks, or None where the user's cache folder cannot be written."""
    folder = cache_home() / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def usable_cores() -> int:
    """How many cores this process may really use: its affinity, cut by a container's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota()
    return affinity if quota is None else max(1, min(affinity, int(quota + 0.5)))


def _cgroup_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """CPUs granted by the control group, in cores (version 2, then 1); None where there is no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)

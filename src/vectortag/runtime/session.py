"""The only owner of the runtimes: OpenVINO, and ONNX Runtime behind the same small interface.

A network computes in a shape that is fixed when it is compiled, which is faster than one that is found out as it runs:
one photo, which gives it the same numbers whatever is computed beside it, or a batch where the processor multiplies so
fast that reading the weights is what costs; see docs/performance.md. A caller that brings several photos at once leaves
them all with the runtime, whose cores go from one to the next without waiting for anybody.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from vectortag.core.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.core.files import open_regular
from vectortag.core.folders import cache_home
from vectortag.core.types import Arithmetic, ByteArray, FloatArray
from vectortag.core.writing import replace_file
from vectortag.runtime.cpu import this_machine, usable_cores

Engine = Literal["openvino", "onnxruntime", "cuda"]
Runtime = Literal["auto", Engine]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)

PACKAGES: dict[Engine, tuple[str, ...]] = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "cuda": ("onnxruntime-gpu",),
}
"""The packages that bring a runtime, each by itself; the runtimes in the order in which they are preferred."""

_IMPORTING = threading.Lock()

AT_ONCE = 8
"""Photos that a caller had best bring together."""

BATCHES: dict[Arithmetic, dict[str, int]] = {"bf16": {"amx_bf16": 8}, "int8": {"amx_int8": 8, "avx512_vnni": 4}}
"""Photos that a core computes in one run, by arithmetic and by the first of the extensions that the processor has."""

LARGEST_IN_BATCHES = 320
"""Pixels a side up to which batches are computed; of larger photos, a batch takes hundreds of megabytes a core."""

KEPT_NETWORKS = 24
"""Compiled networks in the cache; of more, those that were longest not used are deleted."""


class Session(ABC):
    """A loaded network.

    Attributes:
        runtime: what runs it.
        precision: what it computes in.
        threads: how many cores it uses.
        batch: how many photos a core computes in one run, where it is given many.
    """

    runtime: ClassVar[Engine]
    precision: Arithmetic
    threads: int
    batch: int = 1

    @abstractmethod
    def feature_map(self, image: ByteArray) -> FloatArray:
        """(H, W, 3) uint8 -> (K, h, w) float32, on one core.

        Called from `threads` threads at once, that gives the most photos a second. More callers wait their turn.
        """

    @abstractmethod
    def feature_map_at_once(self, image: ByteArray) -> FloatArray:
        """The same on all cores together: the shortest wait for one photo."""

    def feature_maps_of(self, images: Sequence[ByteArray]) -> Sequence[FloatArray]:
        """The feature map of each of some images of one size, best of `AT_ONCE`; called as `feature_map` is."""
        return [self.feature_map(image) for image in images]

    def feature_maps(self, images: ByteArray) -> FloatArray:
        """(N, H, W, 3) uint8 -> (N, K, h, w) float32, on all cores."""
        if len(images) == 1:
            return self.feature_map_at_once(images[0])[None]
        return np.stack(self._one_by_one(images))

    def _one_by_one(self, images: Sequence[ByteArray] | ByteArray) -> list[FloatArray]:
        """The feature map of each of any number of images, each in a run of its own, on all cores."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(self.feature_map, images))


def installed_runtimes() -> dict[Engine, str]:
    """The runtimes whose package is installed, with its version, the preferred one first; none is imported."""
    from importlib.metadata import PackageNotFoundError, version  # a thirtieth of a quick start, which needs none of it

    found: dict[Engine, str] = {}
    for engine, packages in PACKAGES.items():
        for package in packages:
            with contextlib.suppress(PackageNotFoundError):
                found.setdefault(engine, version(package))
    return found


def open_session(
    network: Path | bytes,
    *,
    runtime: Runtime = "auto",
    precision: Arithmetic = "f32",
    threads: int | None = None,
    digest: str | None = None,
) -> Session:
    """Load a network.

    Args:
        network: an ONNX file, or its content.
        runtime: "auto" is OpenVINO, or ONNX Runtime where OpenVINO is not installed; "cuda" is ONNX Runtime on a GPU.
        precision: "f32" gives the same numbers on every machine; "bf16" is used where OpenVINO and the processor have
            it, else it is float32 and says so; "int8" says that the network is a quantised one.
        threads: how many cores compute; None is as many as this process has.
        digest: the network's sha256; with it, OpenVINO's compiled network is kept for the next time.

    Raises:
        MissingExtraError: the runtime is not installed.
        ModelFolderError: the runtime cannot load the network.
        VectorTagError: no such runtime, or no GPU that it can use.
    """
    if runtime not in RUNTIMES:
        raise VectorTagError(f"no runtime {runtime!r}. Expected one of: {', '.join(RUNTIMES)}")
    threads = threads or usable_cores()
    if runtime == "cuda":
        return CudaSession(network, threads, precision)
    if runtime == "onnxruntime":
        return OnnxRuntimeSession(network, threads, precision)
    try:
        return OpenVinoSession(network, threads, precision, digest)
    except MissingExtraError:
        if runtime == "openvino":
            raise
        return OnnxRuntimeSession(network, threads, precision)


class OpenVinoSession(Session):
    """The core runtime."""

    runtime = "openvino"

    def __init__(self, network: Path | bytes, threads: int, precision: Arithmetic, digest: str | None = None) -> None:
        self._core = _import_openvino().Core()
        self.threads = threads
        lowered = precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = "f32" if lowered else precision
        batches = BATCHES.get(self.precision, {})
        self.batch = next((batches[name] for name in batches if this_machine().has(name)), 1)
        self._network, self._digest = network, digest
        self._compiled_for: dict[tuple[int, tuple[int, ...]], tuple[Any, list[Any]]] = {}
        self._compiling = threading.Lock()
        if digest is None:
            self._model = self._read()

    def feature_map(self, image: ByteArray) -> FloatArray:
        return self._infer([image[None]], self.threads)[0][0]

    def feature_map_at_once(self, image: ByteArray) -> FloatArray:
        return self._infer([image[None]], 1)[0][0]

    def feature_maps_of(self, images: Sequence[ByteArray]) -> Sequence[FloatArray]:
        batch = self.batch if max(images[0].shape) <= LARGEST_IN_BATCHES else 1
        if batch == 1:
            return self._one_by_one(images)
        padded = [*images, *[images[-1]] * (-len(images) % batch)]  # what is left over takes the same network
        batches = [np.stack(padded[first : first + batch]) for first in range(0, len(padded), batch)]
        return [result for results in self._infer(batches, self.threads) for result in results][: len(images)]

    def _one_by_one(self, images: Sequence[ByteArray] | ByteArray) -> list[FloatArray]:
        most = AT_ONCE * self.threads
        parts = (images[first : first + most] for first in range(0, len(images), most))
        return [result for part in parts for (result,) in self._infer([image[None] for image in part], self.threads)]

    def _infer(self, batches: Sequence[ByteArray], streams: int) -> list[FloatArray]:
        """Run each (N, H, W, 3) on one of `streams` equal shares of the cores, as soon as one is free."""
        compiled, idle = self._ready(streams, batches[0].shape)
        requests = [_take(compiled, idle) for _ in batches]
        for request, images in zip(requests, batches, strict=True):
            request.start_async([images], share_inputs=True)
        results = []
        for request in requests:
            request.wait()
            results.append(request.get_output_tensor().data.copy())
        idle.extend(requests)
        return results

    def _ready(self, streams: int, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
        """The network compiled for a use, and those of its requests that nobody uses at present."""
        key = (streams, shape)
        if key not in self._compiled_for:
            with self._compiling:
                if key not in self._compiled_for:
                    self._compiled_for[key] = (self._compiled(streams, shape), [])
        return self._compiled_for[key]

    def _compiled(self, streams: int, shape: tuple[int, ...]) -> Any:
        config = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # the cores also decode, and are shared with other programs
        }
        return self._compile(shape, config)

    def compiled_as_it_is(self, config: dict[str, Any]) -> Any:
        """The network compiled for whatever shapes its file says, free ones among them."""
        return self._compile((), config)

    def _compile(self, shape: tuple[int, ...], config: dict[str, Any]) -> Any:
        kept = self._kept(shape, config)
        if kept is not None and (compiled := self._load(kept, config)) is not None:
            return compiled
        model = self._model if self._digest is None else self._read()
        try:
            if shape:
                model.reshape([*shape])
            compiled = self._core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise self._cannot_load(error) from error
        if kept is not None:
            _keep(kept, compiled.export_model().getvalue())
        return compiled

    def _read(self) -> Any:
        try:
            if isinstance(self._network, bytes):
                return self._core.read_model(self._network)
            return self._core.read_model(str(self._network))
        except RuntimeError as error:
            raise self._cannot_load(error) from error

    def _cannot_load(self, error: Exception) -> ModelFolderError:
        return ModelFolderError(f"{_name(self._network)}: OpenVINO cannot load it: {error}")

    def _kept(self, shape: tuple[int, ...], config: dict[str, Any]) -> Path | None:
        """Where the network is kept, compiled for this very use by this very version on this very processor."""
        if self._digest is None:
            return None
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        use = f"{self._digest} {shape} {sorted(config.items())} {_import_openvino().__version__} {processor}"
        return cache_home() / "compiled" / f"{hashlib.sha256(use.encode()).hexdigest()[:32]}.blob"

    def _load(self, kept: Path, config: dict[str, Any]) -> Any:
        try:
            content = _read_tensor(kept)
            os.utime(kept)
            return self._core.import_model(content, "CPU", config)
        except (OSError, RuntimeError):  # not there, or broken: it is compiled anew
            return None


class TextSession:
    """A network that reads texts: the numbers of their word pieces -> what it makes of each piece. On OpenVINO alone.

    Args:
        network: an ONNX file with the inputs input_ids, attention_mask and token_type_ids.
        digest: its sha256, under which the compiled network is kept for the next time.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelFolderError: it cannot load the network.
    """

    CONFIG: ClassVar[dict[str, Any]] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}

    def __init__(self, network: Path, digest: str) -> None:
        runtime = OpenVinoSession(network, 1, "f32", digest)
        self._request = runtime.compiled_as_it_is(self.CONFIG).create_infer_request()
        self._running = threading.Lock()

    def hidden(self, pieces: Sequence[Sequence[int]]) -> FloatArray:
        """Texts of L pieces each, by their numbers: (n, L) -> (n, L, D) float32."""
        ids = np.array(pieces, np.int64)
        with self._running:
            result: FloatArray = self._request.infer(
                {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            )[0]
        return result


class OnnxRuntimeSession(Session):
    """The second runtime: for machines without OpenVINO."""

    runtime: ClassVar[Engine] = "onnxruntime"
    providers: ClassVar[list[Any]] = ["CPUExecutionProvider"]

    def __init__(self, network: Path | bytes, threads: int, precision: Arithmetic) -> None:
        self.threads = threads
        self.precision = "int8" if precision == "int8" else "f32"
        self._network = network
        self._sessions: dict[int, Any] = {}
        self._running = threading.BoundedSemaphore(threads)
        self._session(1)

    def feature_map(self, image: ByteArray) -> FloatArray:
        with self._running:
            return self._run(image, self._session(1))

    def feature_map_at_once(self, image: ByteArray) -> FloatArray:
        return self._run(image, self._session(self.threads))

    def _run(self, image: ByteArray, session: Any) -> FloatArray:
        result: FloatArray = session.run(None, {session.get_inputs()[0].name: image[None]})[0][0]
        return result

    def _session(self, threads: int) -> Any:
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
            raise ModelFolderError(f"{_name(self._network)}: ONNX Runtime cannot load it: {error}") from error


class CudaSession(OnnxRuntimeSession):
    """ONNX Runtime on an NVIDIA GPU, by the package onnxruntime-gpu.

    The cores decode, and each hands its photo to the GPU. Its float32 is float32: a GPU would round what it multiplies
    to TF32 by itself, and that moves scores.
    """

    runtime = "cuda"
    providers: ClassVar[list[Any]] = [
        ("CUDAExecutionProvider", {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}),
        "CPUExecutionProvider",  # for the few small nodes that the GPU leaves to it
    ]

    def feature_map_at_once(self, image: ByteArray) -> FloatArray:
        return self.feature_map(image)

    def _open(self, threads: int) -> Any:
        onnxruntime = _import_onnxruntime()
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise VectorTagError(
                "runtime cuda: this ONNX Runtime computes on the CPU alone. Run: pip uninstall onnxruntime; "
                "pip install 'onnxruntime-gpu[cuda,cudnn]'"
            )
        with contextlib.redirect_stdout(io.StringIO()):  # what it cannot find it prints, and then the session says so
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


def _import_openvino() -> Any:
    """Import OpenVINO without its telemetry and without its model converter.

    `import openvino` looks up an analytics host from a forked process and leaves a file in the home folder, unless
    `openvino_telemetry` cannot be imported: then it takes its own stub, which does nothing. The converter is not
    needed and takes more than half of the time of the import; `import openvino.tools.ovc` still finds it afterwards.

    Its binding sets up its use of numpy at the first array that it meets. Where two threads bring one at the same time,
    each waits for the other for ever, so it meets one here.
    """
    with _IMPORTING:
        if "openvino" not in sys.modules:
            sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
            sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError("The runtime openvino", "OpenVINO", "all") from error
        finally:
            if sys.modules.get("openvino.tools.ovc", ...) is None:
                del sys.modules["openvino.tools.ovc"]
        openvino.Tensor(np.zeros(1, np.float32)).element_type.to_dtype()
        return openvino


def _take(compiled: Any, idle: list[Any]) -> Any:
    """An idle request, or a new one; other threads take some at the same time."""
    try:
        return idle.pop()
    except IndexError:
        return compiled.create_infer_request()


def _read_tensor(file: Path) -> Any:
    """A file's bytes in memory that OpenVINO uses as it is; of plain bytes it makes copies."""
    openvino = _import_openvino()
    with open_regular(file) as stream:
        tensor = openvino.Tensor(openvino.Type.u8, [os.fstat(stream.fileno()).st_size])
        stream.readinto(tensor.data)
    return tensor


def _keep(file: Path, compiled: bytes) -> None:
    """Keep a compiled network, where the cache can be written, in place of the one that was longest not used."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, compiled)
        by_use = sorted(file.parent.glob("*.blob"), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in by_use[KEPT_NETWORKS:]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _name(network: Path | bytes) -> str:
    return "network" if isinstance(network, bytes) else str(network)

"""OpenVINO, the default runtime: `Session` on a processor, and compiled networks in a cache.

A network is compiled for each use: an input shape, which is faster fixed than found out in each run, and a number of
streams. With one stream, all cores compute one run: the lowest latency. With one per core, each core computes a run of
its own: the highest throughput. A batch pays only on processors that multiply so fast that reading the weights is what
costs; see docs/performance.md.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from vectortag.core.checked import HASH_SIZE, is_hash_of
from vectortag.core.errors import MissingExtraError, ModelFolderError
from vectortag.core.files import open_regular
from vectortag.core.folders import cache_home, write_cache_file
from vectortag.core.heap import trim_heap
from vectortag.core.types import Arithmetic, FloatArray, Images
from vectortag.runtime.cpu import this_machine
from vectortag.runtime.network_limits import MODEL, NetworkLimits
from vectortag.runtime.onnx_check import check_network
from vectortag.runtime.tensor_sizes import check_tensor_sizes

BATCHES: dict[Arithmetic, dict[str, int]] = {"bf16": {"amx_bf16": 8}, "int8": {"amx_int8": 8, "avx512_vnni": 2}}
"""Images per run, by precision and by the first of these extensions that the processor has; one per run elsewhere."""

IN_FLIGHT = 8
"""Images per core that one call has in flight; bounds the memory of the infer requests."""

CACHED_NETWORKS = 24
"""Compiled networks in the cache; beyond that, the least recently used ones are deleted."""

_IMPORTING = threading.Lock()


class OpenVinoSession:
    """See `vectortag.runtime.session.Session`.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelFolderError: it cannot load the network.
    """

    runtime: ClassVar[Literal["openvino"]] = "openvino"

    def __init__(
        self,
        network: Path | bytes,
        threads: int,
        precision: Arithmetic,
        digest: str | None = None,
        limits: NetworkLimits = MODEL,
    ) -> None:
        self._core = _import_openvino().Core()
        self.threads, self._limits = threads, limits
        lowered = precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision: Arithmetic = "f32" if lowered else precision
        batches = BATCHES.get(self.precision, {})
        self.batch = next((batches[name] for name in batches if this_machine().has(name)), 1)
        self._network, self._digest = network, digest
        self._pools: dict[tuple[int, tuple[int, ...]], _RequestPool] = {}
        self._compiling = threading.Lock()
        if digest is None:
            self._model = self._read()

    def run(self, images: Images, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        """See `vectortag.runtime.session.Session.run`."""
        count = len(images)
        streams = self.threads if concurrent or count > batch else 1
        pool = self._pool(streams, (batch, *images.shape[1:]))
        images = _padded(images, batch)
        maps = np.empty((len(images), *pool.map_shape), np.float32)
        at_once = batch * max(1, IN_FLIGHT * self.threads // batch)
        for first in range(0, len(images), at_once):
            try:
                pool.run(images[first : first + at_once], batch, maps[first : first + at_once])
            except RuntimeError as error:
                raise ModelFolderError(f"{self._name}: OpenVINO cannot run it: {error}") from error
        return maps[:count]

    def compile_dynamic(self, config: dict[str, Any]) -> Any:
        """The network compiled for the shapes that its file declares, dynamic ones among them."""
        return self._compile((), config)

    def _pool(self, streams: int, shape: tuple[int, ...]) -> _RequestPool:
        key = (streams, shape)
        if (pool := self._pools.get(key)) is not None:
            return pool
        with self._compiling:
            if (pool := self._pools.get(key)) is None:
                compiled = self._compile(shape, self._config(streams))
                self._refuse_other_outputs(compiled, shape[0])
                pool = self._pools[key] = _RequestPool(compiled)
            return pool

    def release(self) -> None:
        """See `vectortag.runtime.session.Session.release`. Networks that the cache does not have are kept."""
        with self._compiling:
            for streams, shape in list(self._pools):
                cached = self._cache_file(shape, self._config(streams))
                if cached is not None and cached.is_file():
                    del self._pools[streams, shape]

    def _config(self, streams: int) -> dict[str, Any]:
        return {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # the cores also decode, and are shared with other programs
        }

    def _compile(self, shape: tuple[int, ...], config: dict[str, Any]) -> Any:
        cached = self._cache_file(shape, config)
        if cached is not None and (loaded := self._load(cached, config)) is not None:
            return loaded
        compiled = self._compile_anew(shape, config)
        if cached is None or not write_cache_file(cached, compiled.export_model().getvalue(), most=CACHED_NETWORKS):
            return compiled
        del compiled  # a network that was compiled here keeps more memory than the same one out of the cache
        trim_heap()
        return self._load(cached, config) or self._compile_anew(shape, config)

    def _compile_anew(self, shape: tuple[int, ...], config: dict[str, Any]) -> Any:
        model = self._model if self._digest is None else self._read()
        try:
            if shape:
                model.reshape([*shape])
            check_tensor_sizes(model, self._name, batch=shape[0] if shape else 1)
            return self._core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise self._cannot_load(error) from error

    def _refuse_other_outputs(self, compiled: Any, batch: int) -> None:
        """Refuse a network that does not make feature maps, (N, K, h, w) float32, of pictures; an encoder, (N, D).

        Only a finished model has a digest. A part of a network, which training computes once, may make tokens.
        """
        output = compiled.outputs[0]
        shape, kind = output.get_partial_shape(), output.get_element_type().get_type_name()
        sides = [*shape.to_shape()] if shape.is_static else []
        ranks = (3, 4) if self._limits is MODEL and not self._digest else self._limits.ranks
        if len(compiled.inputs) != 1 or kind != "f32" or len(sides) not in ranks or sides[0] != batch:
            expected = "(N, K, h, w)" if self._limits is MODEL else "(N, D)"
            raise ModelFolderError(f"{self._name}: expected one input and {expected} float32, got {shape} of {kind}")

    def _read(self) -> Any:
        check_network(self._network, self._limits)
        try:
            return _read_model(self._core, self._network)
        except RuntimeError as error:
            raise self._cannot_load(error) from error

    def _cannot_load(self, error: Exception) -> ModelFolderError:
        return ModelFolderError(f"{self._name}: OpenVINO cannot load it: {error}")

    @property
    def _name(self) -> str:
        return _name_of(self._network)

    def _cache_file(self, shape: tuple[int, ...], config: dict[str, Any]) -> Path | None:
        """Where the network is cached, compiled for this use by this version on this processor."""
        if self._digest is None:
            return None
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        use = f"checked {self._digest} {shape} {sorted(config.items())} {_import_openvino().__version__} {processor}"
        return cache_home() / "compiled" / f"{hashlib.sha256(use.encode()).hexdigest()[:32]}.blob"

    def _load(self, cached: Path, config: dict[str, Any]) -> Any:
        try:
            content = _read_tensor(cached)
            if content is None:
                return None
            os.utime(cached)
            return self._core.import_model(content, "CPU", config)
        except (OSError, RuntimeError):  # missing or broken: compile again
            return None


class _RequestPool:
    """A compiled network and its infer requests, shared by all threads.

    openvino.AsyncInferQueue takes the same CPU time within the noise (2026.4), but hangs or aborts if several threads
    start its requests, and hands results to a callback in the order in which they are done.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []  # threads pop and extend at the same time: both are atomic
        self.map_shape: tuple[int, ...] = tuple(compiled.output(0).shape)[1:]  # (K, h, w)

    def run(self, images: Images, batch: int, maps: FloatArray) -> None:
        """Compute (N, H, W, 3) into (N, K, h, w), N a multiple of `batch`: all runs in flight at once."""
        runs = [slice(first, first + batch) for first in range(0, len(images), batch)]
        requests = [self._take() for _ in runs]
        for request, part in zip(requests, runs, strict=True):
            request.start_async([images[part]], share_inputs=True)
        for request, part in zip(requests, runs, strict=True):
            request.wait()
            maps[part] = request.get_output_tensor().data
        self._idle.extend(requests)

    def _take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()


def foresee_sizes(network: Path | bytes, shape: tuple[int, ...] = ()) -> None:
    """Check the tensor sizes of a network that another runtime is going to run. Without OpenVINO, nothing is checked.

    Args:
        network: an ONNX file that `check_network` lets pass, or its content.
        shape: of the input; () is what the file declares.

    Raises:
        ModelFolderError: OpenVINO cannot read it, or it needs too much memory.
    """
    try:
        core = _import_openvino().Core()
    except MissingExtraError:
        return
    try:
        model = _read_model(core, network)
        if shape:
            model.reshape([*shape])
    except RuntimeError as error:
        raise ModelFolderError(f"{_name_of(network)}: OpenVINO cannot tell its sizes: {error}") from error
    check_tensor_sizes(model, _name_of(network), batch=shape[0] if shape else 1)


def _read_model(core: Any, network: Path | bytes) -> Any:
    return core.read_model(network if isinstance(network, bytes) else str(network))


def _name_of(network: Path | bytes) -> str:
    return "network" if isinstance(network, bytes) else str(network)


def _padded(images: Images, batch: int) -> Images:
    """Repeat the last image up to a whole number of batches: a smaller batch would be one more network to compile."""
    missing = -len(images) % batch
    return np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing else images


def _import_openvino() -> Any:
    """Import OpenVINO without its telemetry and without its model converter.

    `import openvino` looks up an analytics host from a forked process and leaves a file in the home folder, unless
    `openvino_telemetry` cannot be imported: then it takes its own stub, which does nothing. The converter is not
    needed and takes more than half of the time of the import; `import openvino.tools.ovc` still finds it afterwards.

    OpenVINO's binding sets up its use of numpy at the first array that it gets. If two threads bring one at the same
    time, both wait for each other for ever, so it gets one here.
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


def _read_tensor(file: Path) -> Any:
    """A file's content in memory that OpenVINO uses as it is; of plain bytes it makes copies.

    None where the content is not as it was written: OpenVINO would compute wrong scores with it, or crash.
    """
    openvino = _import_openvino()
    with open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size - HASH_SIZE
        if size <= 0:
            return None
        tensor = openvino.Tensor(openvino.Type.u8, [size])
        content = memoryview(tensor.data)
        stream.readinto(content)
        return tensor if is_hash_of(stream.read(), content) else None

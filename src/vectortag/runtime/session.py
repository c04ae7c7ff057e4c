"""A loaded network behind one method, whatever computes it.

    open_session -> Session.run    implemented by OpenVinoSession, OnnxRuntimeSession and CudaSession

Only this package imports the runtimes themselves: OpenVINO in `openvino`, ONNX Runtime in `onnxruntime`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal, Protocol, get_args

from vectortag.core.errors import MissingExtraError, VectorTagError
from vectortag.core.types import Arithmetic, FloatArray, Images
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.network_limits import MODEL, NetworkLimits
from vectortag.runtime.onnxruntime import CudaSession, OnnxRuntimeSession
from vectortag.runtime.openvino import OpenVinoSession

Engine = Literal["openvino", "onnxruntime", "cuda"]
Runtime = Literal["auto", Engine]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)

PACKAGES: dict[Engine, tuple[str, ...]] = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "cuda": ("onnxruntime-gpu",),
}
"""The packages that bring a runtime, each by itself; the runtimes in the order in which they are preferred."""


class Session(Protocol):
    """A loaded network.

    Attributes:
        runtime: what runs it.
        precision: what it computes in.
        threads: how many cores it uses.
        batch: the number of images per run of the network that gives the highest throughput on this processor.
    """

    @property
    def runtime(self) -> Engine: ...

    @property
    def precision(self) -> Arithmetic: ...

    @property
    def threads(self) -> int: ...

    @property
    def batch(self) -> int: ...

    def run(self, images: Images, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        """Compute the feature maps of one or more images: (N, H, W, 3) uint8 -> (N, K, h, w) float32.

        A network with the limits of an encoder: (N, 3, H, W) float32 -> (N, D) float32.

        It may be called from several threads at once. A core computes one run of the network at a time; only a run
        that has the session to itself gets all cores.

        Args:
            images: of one size.
            batch: images per run: 1, or `batch` of this session. In a run of its own an image always has the same
                numbers; in a batch they may differ from those in the last bits.
            concurrent: other threads call at the same time, so this call gets one core per run even if it is a single
                run. Best from `threads` threads or a few more.
        """

    def release(self) -> None:
        """Give back what memory it can, for as long as nothing runs; the next run takes it again, within a second."""


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
    limits: NetworkLimits = MODEL,
) -> Session:
    """Load a network.

    Args:
        network: an ONNX file, or its content.
        runtime: "auto" is OpenVINO, or ONNX Runtime if OpenVINO is not installed; "cuda" is ONNX Runtime on a GPU.
        precision: "f32" (float32) gives the same numbers on every machine; "bf16" is used if OpenVINO and the
            processor have it, otherwise the session computes in float32 and says so; "int8" says that the network is
            a quantised one.
        threads: how many cores compute; None is as many as this process may use.
        digest: the network's sha256; with it, OpenVINO's compiled network is cached for the next time.
        limits: what the network may hold and give.

    Raises:
        MissingExtraError: the runtime is not installed.
        ModelFolderError: the runtime cannot load the network.
        VectorTagError: no such runtime, or no GPU that it can use.
    """
    if runtime not in RUNTIMES:
        raise VectorTagError(f"no runtime {runtime!r}. Expected one of: {', '.join(RUNTIMES)}")
    threads = threads or usable_cores()
    if runtime == "cuda":
        return CudaSession(network, threads, precision, limits)
    if runtime == "onnxruntime":
        return OnnxRuntimeSession(network, threads, precision, limits)
    try:
        return OpenVinoSession(network, threads, precision, digest, limits)
    except MissingExtraError:
        if runtime == "openvino":
            raise
        return OnnxRuntimeSession(network, threads, precision, limits)

"""Which runtime runs a model on this machine, in which arithmetic, and why.

By default the fastest that is known to lose next to nothing: what `vectortag bench --remember` found here, else a rule
by the processor's extensions. The rule is what was measured on such processors; see docs/performance.md.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vectortag.core.errors import VectorTagError
from vectortag.core.files import read_file
from vectortag.core.folders import data_home
from vectortag.core.schema import Schema, SchemaError, from_json, to_plain
from vectortag.core.types import Arithmetic
from vectortag.core.writing import replace_file
from vectortag.model.folder import ModelFolder
from vectortag.runtime.cpu import Machine, this_machine
from vectortag.runtime.session import RUNTIMES, Engine, Runtime, Session, open_session

log = logging.getLogger(__name__)

Precision = Literal["auto", "exact", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MOST_LOST = 0.5
"""Points of mAP on the validation photos that a precision may lose against float32 and still be chosen by itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Attributes: `why` says in words what decided."""

    runtime: Runtime
    precision: Arithmetic
    why: str


class Remembered(Schema, frozen=True, kw_only=True):
    """What `vectortag bench --remember` found the fastest for one model on one processor."""

    cpu: str
    runtime: Engine
    precision: Arithmetic


def open_model(
    folder: ModelFolder, *, runtime: Runtime = "auto", precision: Precision = "auto", threads: int | None = None
) -> Session:
    """Load a model's network as `choose` says.

    Raises:
        MissingExtraError, ModelFolderError: as `vectortag.runtime.session.open_session`.
        VectorTagError: as `choose`.
    """
    choice = choose(folder, runtime=runtime, precision=precision)
    network = folder.network_in(choice.precision)
    return open_session(
        network,
        runtime=choice.runtime,
        precision=choice.precision,
        threads=threads,
        digest=folder.manifest.files[network.name],
    )


def choose(
    folder: ModelFolder,
    *,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    machine: Machine | None = None,
) -> Choice:
    """Choose the runtime and the arithmetic.

    Args:
        folder: the model.
        runtime: "auto" is what was remembered, else OpenVINO; ONNX Runtime where OpenVINO is not installed. A GPU
            ("cuda") is taken where it is asked for or was remembered: whether it pays depends on the cores beside it.
        precision: "exact" is float32 everywhere; "auto" may be lower where the manifest says that it loses at most
            `MOST_LOST`; "bf16" and "int8" ask for it whatever it loses.
        machine: the machine; None is this one.

    Raises:
        VectorTagError: no such runtime or precision, or the model has no int8 network.
    """
    if runtime not in RUNTIMES or precision not in PRECISIONS:
        raise VectorTagError(
            f"runtime {runtime!r}, precision {precision!r}: expected one of {', '.join(RUNTIMES)}, "
            f"and one of {', '.join(PRECISIONS)}"
        )
    if precision == "exact":
        return Choice(runtime, "f32", "asked for")
    if precision == "int8" and not folder.has_int8:
        raise VectorTagError(f'model "{folder.manifest.name}" has no int8 network. Ask for auto, exact or bf16')
    if precision != "auto":
        return Choice(runtime, precision, "asked for")
    machine = machine or this_machine()
    found = remembered(folder)
    if found is not None and found.cpu == machine.cpu and runtime in {"auto", found.runtime}:
        return Choice(found.runtime, found.precision, "the fastest by vectortag bench on this machine")
    return _by_rule(folder, runtime, machine)


def allowed(folder: ModelFolder) -> tuple[Arithmetic, ...]:
    """What "auto" may choose for a model: float32, and what loses next to nothing."""
    lower = (name for name, lost in folder.manifest.lost.items() if lost <= MOST_LOST)
    return ("f32", *(name for name in lower if name != "int8" or folder.has_int8))


def _by_rule(folder: ModelFolder, runtime: Runtime, machine: Machine) -> Choice:
    if runtime == "cuda":
        return Choice(runtime, "f32", "a GPU runs in float32; lower precisions are for CPUs")
    may, little = allowed(folder), f"loses at most {MOST_LOST} points of mAP"
    if "int8" in may and machine.has("avx2"):
        return Choice(runtime, "int8", f"the processor has AVX2, and int8 {little} with this model")
    if "bf16" in may and machine.has("amx_bf16", "avx512_bf16") and runtime in {"auto", "openvino"}:
        return Choice(runtime, "bf16", f"the processor has bf16, and bf16 {little} with this model")
    if len(may) == 1:
        return Choice(runtime, "f32", f"float32; no lower precision is known that {little} with this model")
    return Choice(runtime, "f32", "float32; this processor is not faster in the lower precisions of this model")


def remembered(folder: ModelFolder) -> Remembered | None:
    """What was found the fastest for a model, on whichever processor that was."""
    return _all_remembered().get(folder.digest)


def remember(folder: ModelFolder, found: Remembered) -> Path:
    """Keep what was found the fastest; "auto" will choose it. Returns the file.

    Raises:
        VectorTagError: the file was changed by hand, or the data folder cannot be written.
    """
    file = _file()
    try:
        known = _read(file)
    except FileNotFoundError:
        known = {}
    except OSError as error:
        raise VectorTagError(f"{file}: cannot be read: {error.strerror or error}") from error
    except SchemaError as error:
        raise VectorTagError(
            f"{file}: not as vectortag bench wrote it. Remove it, then run: vectortag bench --remember"
        ) from error
    content = {digest: to_plain(one) for digest, one in {**known, folder.digest: found}.items()}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise VectorTagError(f"{file}: cannot be written: {error.strerror or error}") from error
    return file


def _all_remembered() -> dict[str, Remembered]:
    """By the digest of the model folder; nothing, and a warning, where the file cannot be read."""
    file = _file()
    try:
        return _read(file)
    except FileNotFoundError:  # as most often
        return {}
    except OSError as error:
        problem = error.strerror or str(error)
    except SchemaError as error:
        problem = f"not as vectortag bench wrote it: {error}"
    log.warning("%s: cannot be read, so what bench remembered is left out: %s", file, problem)
    return {}


def _read(file: Path) -> dict[str, Remembered]:
    return from_json(dict[str, Remembered], read_file(file))


def _file() -> Path:
    return data_home() / "bench.json"

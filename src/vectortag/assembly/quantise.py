"""What a lower precision loses, measured, and an int8 network where it loses next to nothing.

bf16 needs no network of its own: a processor that has it rounds what goes into each multiplication. Where this machine
does not have it, the rounding is written into the graph, so that what it loses can be measured everywhere. int8 does
need one: its ranges are set on training photos.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from vectortag.assembly.rewritten import check_rewritten
from vectortag.core.errors import DataError, MissingExtraError, PhotoError
from vectortag.core.types import Arithmetic, ByteArray
from vectortag.data.records import DataSet
from vectortag.data.usable import read_usable
from vectortag.evaluation.evaluate import as_known, choose_part, evaluate
from vectortag.evaluation.model_card import write_card
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import INT8_NETWORK, ModelFolder
from vectortag.model.precision import MOST_LOST
from vectortag.model.registry import find_model_folder
from vectortag.model.write_folder import rewrite_model_folder
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.session import Session, open_session

CALIBRATION_PHOTOS = 300
"""They set the range of each activation."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MapDrop:
    """Points of mAP on one data set's validation photos: of float32, and what each lower precision has less.

    Attributes:
        size: pixels a side of the network's input.
    """

    data: str
    size: int
    float32: float
    bf16: float
    int8: float


def quantise(model: str | Path, data: Sequence[str | Path], output: Path) -> tuple[ModelFolder, list[MapDrop]]:
    """Write a model again, with what its lower precisions lose, and with an int8 network where that is next to nothing.

    The mean over the data sets counts, at the worst input size; a set alone has noise of 0.3 points. The tags, the head
    and the float32 network stay as they are.

    Args:
        model: a model's name or folder.
        data: the sets it was trained on; their training photos set the ranges, their validation photos judge.
        output: the new model folder; its last part is the new model's name.

    Raises:
        DataError: a set cannot be read, or has no validation photos of the model.
        MissingExtraError: ONNX or ONNX Runtime is not installed.
        ModelFolderError: the folder cannot be written.
        OverwriteError: another model lies there, or something else than a model folder.
    """
    folder = find_model_folder(model)
    check_rewritten(folder, output, anew={INT8_NETWORK})
    manifest = folder.manifest
    sets = [as_known(read_usable(one, skip_bad_rows=True), "val", manifest) for one in data]
    network = folder.network.read_bytes()
    embedder = Embedder(open_session(network), manifest.pixels, manifest.sizes[0])
    log.info("int8: setting ranges on %d training photos", CALIBRATION_PHOTOS)
    int8 = int8_network(network, _calibration_photos(embedder, folder, sets))
    judged = [(one, size) for one in sets for size in manifest.sizes]
    found = {
        arithmetic: [
            _map(Tagger(folder, Embedder(session, manifest.pixels, size)), arithmetic, one) for one, size in judged
        ]
        for arithmetic, session in _sessions(network, int8)
    }
    drops = [
        MapDrop(one.name, size, float32, float32 - bf16, float32 - int8)
        for (one, size), float32, bf16, int8 in zip(judged, found["f32"], found["bf16"], found["int8"], strict=True)
    ]
    lost = {
        name: max(fmean(getattr(drop, name) for drop in drops if drop.size == size) for size in manifest.sizes)
        for name in ("bf16", "int8")
    }
    written = rewrite_model_folder(
        folder,
        output,
        int8_network=int8 if lost["int8"] <= MOST_LOST else None,
        words=folder.words,
        card=write_card,
        name=output.name,
        lost={name: round(value, 2) for name, value in lost.items()},
    )
    return written, drops


def _calibration_photos(embedder: Embedder, folder: ModelFolder, sets: Sequence[DataSet]) -> list[ByteArray]:
    """(size, size, 3) each, of training photos drawn from all sets."""
    found = [record.photo for one in sets for record in choose_part(one, "train", folder.manifest)]
    photos = []
    for index in np.random.default_rng(0).permutation(len(found)):
        try:
            photos.append(embedder.pixels(found[index]))
        except PhotoError as error:
            log.warning("%s", error)
        if len(photos) == CALIBRATION_PHOTOS:
            break
    if not photos:
        raise DataError("no training photo can be read")
    return photos


def _sessions(network: bytes, int8: bytes) -> Iterator[tuple[Arithmetic, Session]]:
    """The network in each arithmetic, one after the other."""
    yield "f32", open_session(network)
    native = open_session(network, precision="bf16")
    yield (
        "bf16",
        native if native.precision == "bf16" else open_session(rounded_to_bf16(network), runtime="onnxruntime"),
    )
    yield "int8", open_session(int8, precision="int8")


def _map(tagger: Tagger, arithmetic: Arithmetic, data: DataSet) -> float:
    log.info("%s: judging %s at %d pixels", data.name, arithmetic, tagger.embedder.size)
    return 100 * evaluate(tagger, data, split="val").map


def int8_network(network: bytes, photos: Sequence[ByteArray]) -> bytes:
    """A network with 8-bit weights and activations, as ONNX with QuantizeLinear and DequantizeLinear.

    Weights have a scale for each output channel and 7 of the 8 bits: processors without VNNI add pairs of products in
    16 bits, which would overflow otherwise.

    Args:
        network: an ONNX file.
        photos: what it is run on to find the range of each activation, (H, W, 3) each.

    Raises:
        MissingExtraError: ONNX or ONNX Runtime is not installed.
    """
    onnx = _import_onnx()
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Photos(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(photos)

        def get_next(self) -> dict[str, ByteArray] | None:
            photo = next(self._left, None)
            return None if photo is None else {"images": photo[None]}

    with tempfile.TemporaryDirectory() as scratch, _quiet_quantiser():
        given, made = Path(scratch) / "f32.onnx", Path(scratch) / "int8.onnx"
        onnx.save(_with_float32_weights(onnx.load_from_string(network)), given)
        quantize_static(
            given,
            made,
            Photos(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return made.read_bytes()


def rounded_to_bf16(network: bytes) -> bytes:
    """A network that rounds to bfloat16 what a processor with bf16 rounds: all that goes into any node from the first
    convolution on, but the biases.

    Raises:
        MissingExtraError: ONNX or ONNX Runtime is not installed.
    """
    onnx = _import_onnx()
    model = _with_float32_weights(onnx.load_from_string(network))
    nodes: list[Any] = []
    rounded: dict[str, str] = {}
    weighted = {"Conv", "Gemm", "MatMul"}
    started = False
    for node in model.graph.node:
        started = started or node.op_type in weighted
        values = 2 if node.op_type in weighted else 1 if node.op_type == "Clip" else len(node.input)
        for index, name in enumerate(node.input[:values] if started else ()):
            if name and name not in rounded:
                rounded[name] = f"{name}.rounded"
                nodes += [
                    onnx.helper.make_node("Cast", [name], [f"{name}.bf16"], to=onnx.TensorProto.BFLOAT16),
                    onnx.helper.make_node("Cast", [f"{name}.bf16"], [f"{name}.rounded"], to=onnx.TensorProto.FLOAT),
                ]
            node.input[index] = rounded[name] if name else name
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    content: bytes = model.SerializeToString()
    return content


def _with_float32_weights(model: Any) -> Any:
    """Undo what halves our files: each fp16 weight with a Cast behind it becomes a float32 weight."""
    onnx = _import_onnx()
    graph = model.graph
    halves = {array.name: array for array in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in halves]:
        half = halves[node.input[0]]
        whole = onnx.numpy_helper.to_array(half).astype(np.float32)
        half.CopyFrom(onnx.numpy_helper.from_array(whole, node.output[0]))
        graph.node.remove(node)
    return model


def _import_onnx() -> Any:
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Quantising", "ONNX and ONNX Runtime", "quantise") from error
    return onnx


@contextmanager
def _quiet_quantiser() -> Iterator[None]:
    """Without the advice that onnxruntime.quantization gives through the root logger, and the handler it adds there."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers = handlers

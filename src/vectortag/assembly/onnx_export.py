"""A whole model as one ONNX file: from pixels to calibrated scores, and to heat maps on request, without VectorTag.

    images uint8 (N, S, S, 3) -> scores float32 (N, T), maps float32 (N, R, h, w)

The network of the model folder, its head, the calibration and the raised parents are one graph. How a photo becomes
pixels, the names of the tags and their thresholds are in the metadata of the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vectortag.assembly.onnx_graph import GraphBuilder, import_onnx
from vectortag.assembly.onnx_head import HeadNodes
from vectortag.core.errors import ModelFolderError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.core.version import __version__
from vectortag.core.writing import atomic_output
from vectortag.data.outputs import ONNX_FILE, InputFiles, check_output
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES
from vectortag.model.folder import ModelFolder
from vectortag.model.hierarchy import Hierarchy
from vectortag.runtime.embedder import embeddings_of
from vectortag.runtime.network_limits import OPERATORS, NetworkLimits
from vectortag.runtime.onnx_check import check_network
from vectortag.runtime.session import open_session

PRODUCER = "VectorTag"
OLDEST_OPSET = 15
"""Of the network; the exported file keeps it. `vectortag train` writes 18."""

PARITY = 1e-5
"""How far a score of the exported file may be from the Tagger's. The shipped models are within 1e-6."""

LIMITS = NetworkLimits(
    most_bytes=1 << 30,
    most_values=1 << 26,
    operators=OPERATORS | {"ArgMax"},
    ranks=(2,),
)
"""Of an exported file, which is loaded once to compare its scores."""

PIXELS = (
    "Decode the photo, a JPEG at the smallest scale that leaves at least {draft} pixels a side. Turn it upright by its "
    "EXIF orientation. Convert it to 8-bit RGB, transparency over white, without its colour profile. Stretch it to "
    "{size} x {size} pixels, whatever its shape, with an antialiased {filter} filter, as Image.resize of Pillow does. "
    "Values stay 0 to 255: the graph normalises them."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported file.

    Attributes:
        size: pixels a side of its input.
        opset: of ONNX.
        tags, maps: how many tags it scores, and how many it draws heat maps of.
        difference: the largest difference of a score from the Tagger's, on a picture of noise.
    """

    path: Path
    size: int
    opset: int
    tags: int
    maps: int
    difference: float


def export_onnx(
    model: str | Path | ModelFolder | Tagger | None,
    output: str | Path,
    *,
    size: int | None = None,
    maps: Sequence[str] | bool = False,
    additions: bool = True,
    overwrite: bool = False,
) -> Exported:
    """Write a model as one ONNX file that gives the Tagger's scores for the same pixels, in float32.

    Args:
        model: a model's name or folder, or a Tagger: then its input size and its added tags, and float32.
        output: the file.
        size: pixels a side of the input, one that the model offers; None is its default. Calibration belongs to it.
        maps: the tags, or synonyms, of which the file also gives heat maps; True is all.
        additions: with the tags that the user added, and the corrections.
        overwrite: replace a file of another kind.

    Raises:
        MissingExtraError: ONNX or ONNX Runtime is not installed.
        ModelFolderError: the network is of an old opset, or scores differ from the Tagger's.
        OutputError, OverwriteError: the file cannot be written, or would replace another.
        UnknownModelError, UnknownTagError, ShapeError: there is no such model, tag or size.
    """
    import_onnx()
    tagger = model if isinstance(model, Tagger) else _load(model, size, additions=additions)
    folder, scorer, output = tagger.folder, tagger.scorer, Path(output)
    check_output(output, ONNX_FILE, inputs=InputFiles(folder.path.iterdir()), overwrite=overwrite)
    chosen = scorer.tags if maps is True else maps or ()
    rows = [scorer.index(tag) for tag in chosen]
    content, opset = _content(tagger, rows)
    difference = _difference(content, tagger)
    if not difference <= PARITY:
        raise ModelFolderError(
            f"{folder.path}: exported, a score differs from the Tagger's by {difference:.2g}, more than {PARITY:.0e}. "
            "Nothing was written"
        )
    with atomic_output(output) as stream:
        stream.write(content)
    return Exported(output, tagger.embedder.size, opset, len(scorer.tags), len(rows), difference)


def _load(model: str | Path | ModelFolder | None, size: int | None, *, additions: bool) -> Tagger:
    return Tagger.load(model, size=size, precision="exact", additions=additions)


def _content(tagger: Tagger, rows: Sequence[int]) -> tuple[bytes, int]:
    """The file, and its opset."""
    onnx, network = import_onnx(), tagger.folder.network
    check_network(network)
    model = onnx.load_model_from_string(network.read_bytes())
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset < OLDEST_OPSET:
        raise ModelFolderError(
            f"{network}: ONNX opset {opset}, expected {OLDEST_OPSET} or later. Train the model again"
        )
    graph, size = model.graph, tagger.embedder.size
    _rename(graph)
    builder = GraphBuilder(opset)
    outputs = _tagging_nodes(builder, graph.output[0].name, tagger.scorer, rows)
    graph.node.extend(builder.nodes)
    graph.initializer.extend(builder.constants)
    graph.name = f"{PRODUCER} {tagger.id}"
    del graph.output[:]
    del graph.value_info[:]
    shapes = {"scores": ["N", len(tagger.tags)], "maps": ["N", len(rows), "h", "w"]}
    kind = onnx.TensorProto
    for name in outputs:
        graph.output.append(onnx.helper.make_tensor_value_info(name, kind.FLOAT, shapes[name]))
    del graph.input[:]
    graph.input.append(onnx.helper.make_tensor_value_info("images", kind.UINT8, ["N", size, size, 3]))
    model.producer_name, model.producer_version = PRODUCER, __version__
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, _metadata(tagger, rows))
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True), opset


def _rename(graph: Any) -> None:
    """Put the network's values under names of their own, so that none has the name of an added one."""
    images = {graph.input[0].name: "images"}
    for node in graph.node:
        node.name = f"network/{node.name}" if node.name else ""
        for names in (node.input, node.output):
            names[:] = [images.get(name, f"network/{name}") if name else "" for name in names]
    for one in (*graph.initializer, *graph.output):
        one.name = f"network/{one.name}"


def _tagging_nodes(graph: GraphBuilder, feature_map: str, scorer: Scorer, rows: Sequence[int]) -> list[str]:
    """Add all that is behind the network; returns the names of the outputs.

    Args:
        feature_map: the name of (N, K, h, w).
        rows: the tags of which there are heat maps.
    """
    cells = graph.reshape(feature_map, 0, 0, -1)  # (N, K, n)
    pooled = graph.add("GlobalAveragePool", feature_map)
    embeddings = graph.add("Flatten", pooled, axis=1)
    head = HeadNodes(graph, embeddings, cells)
    calibrated = graph.add("Mul", head.logits(scorer.head), graph.constant(scorer.calibration.slope))
    calibrated = graph.add("Add", calibrated, graph.constant(scorer.calibration.bias))
    own = _sigmoid(graph, calibrated, name=None if scorer.hierarchy.descendants else "scores")
    if scorer.hierarchy.descendants:
        _raise_parents(graph, own, len(scorer.tags), scorer.hierarchy)
    if not rows:
        return ["scores"]
    sources = _sources(graph, own, scorer, rows)  # (N, R)
    changes = graph.add("Relu", head.along(scorer.head))  # (N, T, n)
    maps = graph.add("GatherND", changes, graph.reshape(sources, 0, -1, 1), batch_dims=1)  # (N, R, n)
    _scale_maps(graph, maps, feature_map)
    return ["scores", "maps"]


def _sigmoid(graph: GraphBuilder, logits: str, *, name: str | None) -> str:
    """1 / (1 + exp(-x)): ONNX Runtime's Sigmoid makes all of the lowest scores equal, and a map is of the highest."""
    falling = graph.add("Add", graph.add("Exp", graph.add("Neg", logits)), graph.number(1))
    return graph.add("Div", graph.number(1), falling, name=name)


def _raise_parents(graph: GraphBuilder, own: str, count: int, hierarchy: Hierarchy) -> None:
    """Add the output "scores", in which no parent is below its descendants."""
    parents, families = hierarchy.families
    highest = graph.reduce("ReduceMax", _of_families(graph, own, hierarchy), 2)
    raised = graph.replaced(own, count, parents, graph.reshape(highest, 0, len(families)))
    graph.add("Identity", raised, name="scores")


def _of_families(graph: GraphBuilder, own: str, hierarchy: Hierarchy) -> str:
    """The scores of each parent and its descendants: (N, P, M)."""
    _, families = hierarchy.families
    flat = graph.chosen(own, families.ravel())
    return graph.reshape(flat, 0, *families.shape)


def _sources(graph: GraphBuilder, own: str, scorer: Scorer, rows: Sequence[int]) -> str:
    """Which tag the map of each of these tags is of, itself or a descendant: (N, R) int64."""
    count = len(scorer.tags)
    zeros = graph.add("Mul", graph.add("Cast", own, to=graph.onnx.TensorProto.INT64), graph.integers(0))
    sources = graph.add("Add", zeros, graph.constant(np.arange(count, dtype=np.int64)))  # (N, T)
    if scorer.hierarchy.descendants:
        parents, families = scorer.hierarchy.families
        best = graph.add("ArgMax", _of_families(graph, own, scorer.hierarchy), axis=2, keepdims=0)  # (N, P)
        starts = np.arange(len(families), dtype=np.int64) * families.shape[1]
        best = graph.add("Add", best, graph.indices(starts))
        of_parents = graph.add("Gather", graph.indices(families.ravel()), best, axis=0)
        sources = graph.replaced(sources, count, parents, of_parents)
    return graph.chosen(sources, np.array(rows))


def _scale_maps(graph: GraphBuilder, maps: str, feature_map: str) -> None:
    """Add the output "maps": (N, R, n) from 0 on, to (N, R, h, w) in [0, 1], as `scaled_maps`."""
    maps = graph.add("Sub", maps, graph.reduce("ReduceMin", maps, 2))
    peaks = graph.reduce("ReduceMax", maps, 2)
    rises = graph.add("Greater", peaks, graph.number(0))
    maps = graph.add("Div", maps, graph.add("Where", rises, peaks, graph.number(1)))
    sides = graph.add("Shape", feature_map, start=2, end=4)
    shape = graph.add("Concat", graph.integers(0, 0), sides, axis=0)
    graph.add("Reshape", maps, shape, name="maps")


def _metadata(tagger: Tagger, rows: Sequence[int]) -> dict[str, str]:
    """What a program needs to know besides the graph; each value is a text, and all but two are JSON."""
    scorer, recipe, size = tagger.scorer, tagger.embedder.recipe, tagger.embedder.size
    thresholds = {
        profile: [None if np.isnan(one) else float(one) for one in scorer.calibration.thresholds[profile]]
        for profile in PROFILES
    }
    how = PIXELS.format(draft=tagger.embedder.draft_side, size=size, filter=recipe.filter)
    pixels = {
        "size": size,
        "resize": recipe.resize,
        "filter": recipe.filter,
        "draft": tagger.embedder.draft_side,
        "channels": "RGB",
        "how": how,
    }
    values: dict[str, Any] = {
        "tags": list(scorer.tags),
        "thresholds": thresholds,
        "implies": {tag: list(above) for tag, above in scorer.ancestors.items()},
        "maps": [scorer.tags[row] for row in rows],
        "pixels": pixels,
    }
    plain = {"model": tagger.id, "vectortag": __version__}
    return plain | {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}


def _difference(content: bytes, tagger: Tagger) -> float:
    """How far the scores of a picture of noise are from the Tagger's."""
    images = _noise(tagger.embedder.size)
    session = open_session(content, runtime="onnxruntime", limits=LIMITS)
    return float(np.abs(session.run(images) - _scores(tagger, images)).max())


def _scores(tagger: Tagger, images: ByteArray) -> FloatArray:
    """(N, T), of the float32 network whatever the Tagger computes in."""
    session = tagger.embedder.session
    if session.precision != "f32":
        session = open_session(tagger.folder.network)
    return tagger.scores(embeddings_of(session.run(images)))


def _noise(size: int) -> ByteArray:
    """(1, size, size, 3): squares of 8 x 8 pixels, so that a network sees edges."""
    coarse = np.random.default_rng(0).integers(0, 256, (1, size // 8 + 1, size // 8 + 1, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size])

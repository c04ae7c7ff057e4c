"""From torch to model.onnx: images uint8 (N, H, W, 3) -> feature map; weights are fp16, sizes free (of a ViT, N)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from timm.models import ConvNeXt, EfficientNet, Eva, MobileNetV3, ResNet, SwinTransformer, VisionTransformer
from timm.models.hgnet import HighPerfGpuNet
from torch import nn

from vectortag.core.errors import ConfigError, TrainingError
from vectortag.core.types import ByteArray, FloatArray
from vectortag.runtime.session import open_session
from vectortag.train.backbone import EXAMPLES, Backbone
from vectortag.train.config import BackboneConfig

OPSET = 18
PARITY = 1e-4
"""How far an exported network may be from torch, relative to the largest feature; float32 noise is 1e-6."""

EXPORTED = (ConvNeXt, EfficientNet, Eva, HighPerfGpuNet, MobileNetV3, ResNet, SwinTransformer, VisionTransformer)
"""Families of which networks have been exported; see benchmarks/families.py."""

FP16_MIN_ELEMENTS = 1024
"""Smaller arrays (biases, scales) stay float32: they weigh nothing and are the most sensitive."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file and how far it is from torch: the float32 graph, and the one with fp16 weights that ships.

    Both are the largest difference of an embedding, relative to the largest embedding value.
    """

    network: bytes
    float32_difference: float
    fp16_difference: float


def export_backbone(backbone: Backbone, size: int) -> Exported:
    """Export and compare with torch at two batch sizes and, where the network takes any, at two input sizes.

    Raises:
        TrainingError: the exported network gives other features than torch, or torch cannot export it.
        ModelFolderError: it has what no network of a model may have; see `vectortag.runtime.network_limits`.
    """
    model = _model(backbone, size, any_size=backbone.takes_any_size)
    float32 = model.SerializeToString()
    _store_weights_as_fp16(model)
    onnx.checker.check_model(model)
    fp16 = model.SerializeToString()
    probes = [_probe(2, size), _probe(1, size + 64 if backbone.takes_any_size else size)]
    expected = [_torch_embeddings(backbone, probe) for probe in probes]
    difference = _difference(float32, probes, expected)
    if difference > PARITY:
        raise TrainingError(f"the exported network differs from torch by {difference:.2g}, more than {PARITY:.0e}")
    return Exported(fp16, difference, _difference(fp16, probes, expected))


def check_export(backbone: Backbone, config: BackboneConfig) -> None:
    """Export on trial, if nobody has tried this family: better now than after the training.

    Raises:
        ConfigError: it cannot be exported, or not be run as a model.
    """
    if isinstance(backbone.body, EXPORTED):
        return
    try:
        export_backbone(backbone, config.image_size)
    except Exception as error:  # of a network that nobody here has seen
        name = config.architecture
        raise ConfigError(
            f"backbone.architecture: {name} cannot become a model: {error}. Choose another, such as {EXAMPLES}"
        ) from error


def to_onnx(part: nn.Module, size: int) -> bytes:
    """A part of a network as ONNX with float32 weights: images uint8 (N, size, size, 3) -> (N, ...)."""
    content: bytes = _model(part, size, any_size=False).SerializeToString()
    return content


def _model(part: nn.Module, size: int, *, any_size: bool) -> onnx.ModelProto:
    part.eval()
    model = _export(part, size)
    if _pads_as_tensorflow(part):
        _pad_at_run_time(model)
    _split_by_slices(model)
    _free_dimensions(model, any_size=any_size)
    _forget_where_it_was_made(model)
    return model


def _export(part: nn.Module, size: int) -> onnx.ModelProto:
    images = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # the exporter prints its progress
        warnings.simplefilter("ignore")
        try:
            program: Any = torch.onnx.export(
                part,
                (images,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["feature_map"],
                dynamic_shapes=({0: torch.export.Dim("N")},),
                external_data=False,
            )
        except torch.onnx.OnnxExporterError as error:
            cause = error.__cause__ or error
            raise TrainingError(f"torch cannot export it to ONNX: {str(cause).partition(chr(10))[0]}") from error
    model: onnx.ModelProto = program.model_proto
    return model


def _pads_as_tensorflow(part: nn.Module) -> bool:
    """True for the `tf_` models of timm, whose padding ("same") depends on the input's size."""
    return any(type(module).__name__ == "Conv2dSame" for module in part.modules())


def _pad_at_run_time(model: onnx.ModelProto) -> None:
    """The exporter has frozen "same" padding for one size; let the runtime work it out, right for every size."""
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        kept = [attribute for attribute in node.attribute if attribute.name not in {"pads", "auto_pad"}]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute("auto_pad", "SAME_UPPER")])


def _split_by_slices(model: onnx.ModelProto) -> None:
    """Cut channels by slices: `runtime.onnx_check` takes the sizes of a Split, as [768, 480, 288], for a shape."""
    graph = model.graph
    constants = {one.name: one for one in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "Split" or len(node.input) < 2 or node.input[1] not in constants:
            nodes.append(node)
            continue
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        ends = np.cumsum(numpy_helper.to_array(constants[node.input[1]])).tolist()
        for output, start, end in zip(node.output, [0, *ends], ends, strict=False):
            limits = [f"{output}.{name}" for name in ("start", "end", "axis")]
            for name, number in zip(limits, (start, end, axis), strict=True):
                graph.initializer.append(numpy_helper.from_array(np.array([number], np.int64), name))
            nodes.append(onnx.helper.make_node("Slice", [node.input[0], *limits], [output]))
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _forget_where_it_was_made(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: they name files of this machine and change with every edit of the source."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _free_dimensions(model: onnx.ModelProto, *, any_size: bool) -> None:
    """Make N symbolic, with `any_size` H and W too; a convolutional graph itself has no shape in it."""
    del model.graph.value_info[:]
    for value, names in ((model.graph.input[0], "NHW"), (model.graph.output[0], "N hw")):
        for dimension, name in zip(value.type.tensor_type.shape.dim, names if any_size else "N", strict=False):
            if name != " ":
                dimension.dim_param = name


def _store_weights_as_fp16(model: onnx.ModelProto) -> None:
    """Halve the file: each large float32 array becomes fp16 with a Cast after it, which runtimes fold at load."""
    graph = model.graph
    casts = []
    for place, array in enumerate(graph.initializer):
        if array.data_type != onnx.TensorProto.FLOAT or np.prod(array.dims) < FP16_MIN_ELEMENTS:
            continue
        name = array.name
        half = numpy_helper.to_array(array).astype(np.float16)
        graph.initializer[place].CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _probe(count: int, size: int) -> ByteArray:
    """Random pictures with some structure: noise enlarged eight times, so that early layers see edges."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, size // 8 + 1, size // 8 + 1, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size])


def _torch_embeddings(backbone: Backbone, images: ByteArray) -> FloatArray:
    with torch.inference_mode():
        return backbone(torch.from_numpy(images)).mean(dim=(2, 3)).numpy()


def _difference(network: bytes, probes: Sequence[ByteArray], expected: Sequence[FloatArray]) -> float:
    session = open_session(network)
    actual = [session.run(probe).mean(axis=(2, 3)) for probe in probes]
    return max(float(np.abs(a - e).max() / np.abs(e).max()) for a, e in zip(actual, expected, strict=True))

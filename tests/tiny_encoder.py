"""An image-text encoder in the layout of Immich that knows three colours: a photo is its mean colour, a text its words.

Both sides give three numbers, of red, green and blue. So "red" finds red photos, and every cosine can be told by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SIZE, PIECES = 16, 8
PAD, UNKNOWN = "[PAD]", "[UNK]"
WORDS = {
    PAD: (0, 0, 0),
    UNKNOWN: (0.1, 0.1, 0.1),
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "a": (0, 0, 0),
}
PIXELS: Mapping[str, Any] = {
    "size": [SIZE, SIZE],
    "mode": "RGB",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",
    "fill_color": 0,
}
CONFIG: Mapping[str, Any] = {
    "embed_dim": 3,
    "text_cfg": {"context_length": PIECES, "tokenizer_kwargs": {"clean": "canonicalize"}},
}


def write_encoder(
    folder: Path,
    *,
    pixels: Mapping[str, Any] = PIXELS,
    config: Mapping[str, Any] = CONFIG,
    masked: bool = False,
    external: bool = False,
) -> Path:
    """Write the encoder into a folder.

    Args:
        masked: the text side takes input_ids and attention_mask, as M-CLIP's does.
        external: the constants of the image side are in a file beside it.
    """
    visual, textual = folder / "visual", folder / "textual"
    for one in (visual, textual):
        one.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(dict(config)))
    (visual / "preprocess_cfg.json").write_text(json.dumps(dict(pixels)))
    (textual / "tokenizer_config.json").write_text(json.dumps({"pad_token": PAD}))
    (textual / "tokenizer.json").write_text(_tokenizer())
    _save(_photo_graph(), visual / "model.onnx", external=external)
    _save(_text_graph(masked), textual / "model.onnx")
    return folder


def _tokenizer() -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    text: str = tokenizer.to_str()
    return text


def _photo_graph() -> Any:
    """(1, 3, S, S) -> (1, 3): the mean of each colour."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "colours"], ["embedding"]),
    ]
    return helper.make_graph(
        nodes,
        "photos",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.eye(3, dtype=np.float32), "colours")],
    )


def _text_graph(masked: bool) -> Any:
    """(1, L) -> (1, 3): the sum of the words."""
    from onnx import TensorProto, helper, numpy_helper

    pieces = "input_ids" if masked else "text"
    inputs = [helper.make_tensor_value_info(pieces, TensorProto.INT32, [1, PIECES])]
    nodes = [helper.make_node("Gather", ["words", pieces], ["vectors"])]
    summed = "vectors"
    if masked:
        inputs.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT32, [1, PIECES]))
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["float_mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["float_mask", "last"], ["column"]),
            helper.make_node("Mul", ["vectors", "column"], ["seen"]),
        ]
        summed = "seen"
    nodes.append(helper.make_node("ReduceSum", [summed, "middle"], ["embedding"], keepdims=0))
    constants = [
        numpy_helper.from_array(np.array(list(WORDS.values()), np.float32), "words"),
        numpy_helper.from_array(np.int64([1]), "middle"),
        numpy_helper.from_array(np.int64([2]), "last"),
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 3])
    return helper.make_graph(nodes, "texts", inputs, [output], constants)


def _save(graph: Any, file: Path, *, external: bool = False) -> None:
    import onnx
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (file.parent / "weights.bin").unlink(missing_ok=True)
    if external:
        onnx.save(
            model, file, save_as_external_data=True, location="weights.bin", size_threshold=0, convert_attribute=False
        )
    else:
        file.write_bytes(model.SerializeToString())

"""The files of a model folder that hold arrays: head, classifier and background, packed and read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ModelFolderError
from vectortag.core.text import has_control_characters
from vectortag.core.types import FloatArray
from vectortag.model.blocks import in_fp16, read_block
from vectortag.model.classifier import Classifier
from vectortag.model.head import Head
from vectortag.model.limits import check_arrays, check_block, check_values
from vectortag.model.manifest import Manifest

Arrays = dict[str, npt.NDArray[Any]]


def read_arrays(file: Path) -> dict[str, Any]:
    """The arrays of a safetensors file by name.

    Raises:
        ModelFolderError: there is no such file, or it is of another kind.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        check_arrays(file)
        arrays: Arrays = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(f"{file}: not a safetensors file: {error}") from error
    check_values(arrays, file)
    return arrays


def pack_head(head: Head) -> Arrays:
    """The matrices of each block, under the block's index and their name; those of fp16 values take half the space."""
    return {
        f"{index}.{name}": _narrowed(array)
        for index, block in enumerate(head.blocks)
        for name, array in block.arrays().items()
    }


def read_head(file: Path, manifest: Manifest, classifier: Classifier | None) -> Head:
    arrays = read_arrays(file)
    blocks = []
    for index, info in enumerate(manifest.head):
        prefix = f"{index}."
        own = {name.removeprefix(prefix): _widened(arrays[name]) for name in arrays if name.startswith(prefix)}
        try:
            check_block(info.kind, own, tags=info.tags, width=manifest.backbone.width)
            block = read_block(info.kind, own, classifier)
        except TypeError as error:
            raise ModelFolderError(
                f"{file}: block {index} ({info.kind}) has the arrays {sorted(own)}: {error}"
            ) from error
        if (block.tag_count, block.width) != (info.tags, manifest.backbone.width):
            raise ModelFolderError(
                f"{file}: block {index} is for {block.tag_count} tags and width {block.width}, "
                f"the manifest says {info.tags} and {manifest.backbone.width}"
            )
        blocks.append(block)
    return Head(tuple(blocks))


def _narrowed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """fp16 where that changes no value of a matrix, else the array as it is."""
    fits = array.ndim == 2 and array.dtype == np.float32 and np.array_equal(in_fp16(array), array)
    return array.astype(np.float16) if fits else array


def _widened(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def pack_classifier(classifier: Classifier) -> dict[str, np.ndarray[Any, Any]]:
    """safetensors knows numbers only, so the names are the bytes of one text, a line each."""
    names = np.frombuffer("\n".join(classifier.names).encode(), np.uint8)
    return {"w": classifier.w.astype(np.float16), "b": classifier.b, "names": names}


def read_classifier(file: Path, width: int) -> Classifier:
    arrays = read_arrays(file)
    w, b, names = (arrays.get(name, np.empty(0)) for name in ("w", "b", "names"))
    try:
        classes = tuple(names.tobytes().decode().split("\n"))
    except UnicodeDecodeError as error:
        raise ModelFolderError(f"{file}: the names of the classes are not UTF-8: {error}") from error
    if has_control_characters("".join(classes)):
        raise ModelFolderError(f"{file}: the names of the classes have control characters")
    if w.shape != (len(classes), width) or b.shape != (len(classes),):
        raise ModelFolderError(
            f"{file}: {len(classes)} names of classes, arrays of {w.shape} and {b.shape}, for a width of {width}"
        )
    return Classifier(w.astype(np.float32), b.astype(np.float32), classes)


def pack_background(embeddings: FloatArray) -> dict[str, np.ndarray[Any, Any]]:
    """Each channel in 256 even steps from its lowest value to its highest."""
    low = embeddings.min(axis=0)
    step = np.maximum((embeddings.max(axis=0) - low) / 255, np.float32(1e-12))
    return {"codes": np.rint((embeddings - low) / step).astype(np.uint8), "low": low, "step": step}


def unpack_background(arrays: Mapping[str, np.ndarray[Any, Any]]) -> FloatArray:
    if "codes" not in arrays:  # a folder of before there were codes
        return arrays.get("embeddings", np.empty(0)).astype(np.float32)
    return arrays["low"] + arrays["step"] * arrays["codes"].astype(np.float32)

"""What a model folder may ask of this machine: a folder whose hashes are right may still come from a stranger.

Everything is looked at before memory is taken for it. The network has a check of its own, `runtime.onnx_check`.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ModelFolderError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.text import LONGEST_NAME, has_control_characters
from vectortag.model.manifest import Manifest
from vectortag.runtime.pixels import PixelRecipe

MANIFEST_BYTES = 6 << 20
"""That of `lite2` has 151 kB for 434 tags."""
FOLDER_BYTES, MOST_FILES = 1 << 30, 32
DEPTH, MOST_LISTS = 32, 100_000
"""Lists and tables within each other, and on one level, in figures and provenance."""

MOST_TAGS = 10_000
MOST_SIZES, LARGEST_SIZE = 16, 1536
MOST_WIDTH, MOST_STRIDE = 16_384, 256
LARGEST_CURVE = 1e6
"""Of slope and bias."""
MOST_FAMILIES = 1 << 20
"""Parents times the most descendants of one: what every photo's scores are spread over."""

HEADER_BYTES = 1 << 20
"""Of a safetensors file, before its arrays."""
MOST_ARRAYS, MOST_VALUES = 1_000, 1 << 25
"""Of a safetensors file: 128 MB in float32. `lite2` has 1.3 million in one."""
LARGEST_WEIGHT = 1e8
KINDS = {"F16": 2, "F32": 4, "F64": 8, "U8": 1, "I8": 1, "I32": 4, "I64": 8}


def read_manifest(file: Path) -> bytes:
    """The content of a manifest.json.

    Raises:
        OSError: it cannot be read.
        ModelFolderError: it is too large.
    """
    with open_regular(file) as opened:
        _refuse_size(file, os.fstat(opened.fileno()).st_size, MANIFEST_BYTES)
        return opened.read(MANIFEST_BYTES)


def check_sizes(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder of too many or too large files, before they are hashed. A file that is not there is no matter."""
    files = [folder / name for name in names if not has_control_characters(name)]
    if len(files) > MOST_FILES:
        raise ModelFolderError(f"{escape_path(folder)}: it lists {len(files)} files; the limit is {MOST_FILES}")
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except OSError:
            continue
        _refuse_size(file, total, FOLDER_BYTES)


def _refuse_size(file: Path, size: int, most: int) -> None:
    if size > most:
        raise ModelFolderError(f"{escape_path(file)}: too large: {size >> 20} MiB; the limit is {most >> 20}")


def check_manifest(manifest: Manifest, where: Path) -> None:
    """Refuse a manifest whose values are out of any range that a model of photos has.

    Raises:
        ModelFolderError: the message says which.
    """
    try:
        _check_names(manifest)
        _check_ranges(manifest)
        _check_depth("metrics", manifest.metrics)
        _check_depth("provenance", manifest.provenance)
    except ValueError as error:
        raise ModelFolderError(f"{escape_path(where)}: {error}") from error


def _check_names(manifest: Manifest) -> None:
    if len(manifest.tags) > MOST_TAGS:
        raise ValueError(f"{len(manifest.tags):,} tags; the limit is {MOST_TAGS:,}")
    for name in (*manifest.tags, *(data.name for data in manifest.data_sets)):
        if not name.strip() or len(name) > LONGEST_NAME or has_control_characters(name):
            raise ValueError(
                f"the name {name[:60]!r}: expected 1 to {LONGEST_NAME} characters, and no control characters"
            )
    for name in manifest.files:
        if has_control_characters(name):
            raise ValueError(f"the file name {name[:60]!r} has control characters")


def _check_ranges(manifest: Manifest) -> None:
    backbone, points = manifest.backbone, manifest.operating_points
    _expect("backbone.width", backbone.width, 1, MOST_WIDTH)
    _expect("backbone.stride", backbone.stride, 1, MOST_STRIDE)
    _expect("the number of operating_points", len(points), 1, MOST_SIZES)
    _expect("pixels.max_pixels", manifest.pixels.max_pixels, 1, PixelRecipe().max_pixels)
    if manifest.pixels.resize != "squash":
        raise ValueError('pixels.resize: expected "squash", since heat maps lie over the whole photo')
    for point in points:
        _expect("an input size", point.size, 1, LARGEST_SIZE)
        curves = np.array([point.slope, point.bias])
        if not (np.abs(curves) <= LARGEST_CURVE).all():
            raise ValueError(f"slope and bias at size {point.size}: expected numbers up to {LARGEST_CURVE:,.0f}")
        thresholds = np.array([one for values in point.thresholds.values() for one in values if one is not None])
        if not ((thresholds >= 0) & (thresholds <= 1)).all():
            raise ValueError(f"thresholds at size {point.size}: expected numbers from 0 to 1")
    families: dict[str, int] = {}
    for tag in manifest.tags:
        for ancestor in manifest.taxonomy.ancestors(tag):
            families[ancestor] = families.get(ancestor, 0) + 1
    _expect("parents times children", len(families) * max(families.values(), default=0), 0, MOST_FAMILIES)


def _expect(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{what}: expected {least:,} to {most:,}, got {value:,}")


def _check_depth(key: str, content: Any) -> None:
    level = [content]
    for _ in range(DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
            if isinstance(inner, (Mapping, list, tuple))
        ]
        _expect(f"the number of lists and tables in {key}", len(level), 0, MOST_LISTS)
    if level:
        raise ValueError(f"{key}: lists and tables more than {DEPTH} levels deep")


def check_arrays(file: Path) -> None:
    """Refuse a safetensors file by its header, before its arrays are read.

    Raises:
        OSError: it cannot be read.
        ModelFolderError: the header is too long, or declares too much.
    """
    from safetensors import SafetensorError, safe_open

    with open_regular(file) as opened:
        start = opened.read(8)
    if len(start) == 8 and (length := struct.unpack("<Q", start)[0]) > HEADER_BYTES:
        raise ModelFolderError(f"{file}: its header has {length:,} bytes; the limit is {HEADER_BYTES:,}")
    total = 0
    try:
        with safe_open(file, framework="numpy") as content:
            names = list(content.keys())
            _expect("the number of arrays", len(names), 0, MOST_ARRAYS)
            for name in names:
                declared = content.get_slice(name)
                if declared.get_dtype() not in KINDS:
                    raise ValueError(f"the array {name[:60]!r} is of the kind {declared.get_dtype()}")
                total += math.prod(declared.get_shape())
                _expect("values in its arrays", total, 0, MOST_VALUES)
    except (SafetensorError, ValueError) as error:
        raise ModelFolderError(f"{file}: not a safetensors file of a model: {error}") from error


def check_values(arrays: Mapping[str, npt.NDArray[Any]], file: Path) -> None:
    """Refuse weights that are not finite, or so large that scores would not be.

    Raises:
        ModelFolderError: the message names the array.
    """
    for name, array in arrays.items():
        if array.dtype == np.float16:
            fine = not ((array.view(np.uint16) & 0x7C00) == 0x7C00).any()
        else:
            fine = array.dtype.kind != "f" or not array.size or bool(np.abs(array).max() <= LARGEST_WEIGHT)
        if not fine:
            raise ModelFolderError(f"{file}: the array {name[:60]!r} has values that are not finite, or too large")


def check_block(kind: str, arrays: Mapping[str, npt.NDArray[Any]], *, tags: int, width: int) -> None:
    """Refuse the arrays of a head's block that do not fit together.

    Args:
        kind: of the block.
        arrays: by name.
        tags, width: what the manifest says; whoever reads the block compares these.

    Raises:
        TypeError: the message says which shape was expected.
    """
    first, last = arrays.get("w1", arrays.get("w")), arrays.get("w2", arrays.get("w"))
    hidden = first.shape[0] if first is not None and first.ndim else 0
    width = first.shape[1] if first is not None and first.ndim == 2 else width
    tags = last.shape[0] if last is not None and last.ndim == 2 else tags
    expected: dict[str, tuple[int, ...]] = {
        "mlp": {"w1": (hidden, width), "b1": (hidden,), "w2": (tags, hidden), "b2": (tags,)},
        "joint": {"w1": (hidden, width), "b1": (hidden,), "w2": (tags, hidden), "b2": (tags,)},
        "linear": {"w": (tags, width), "b": (tags,)},
    }.get(kind, {})
    for name, shape in expected.items():
        if name in arrays and (arrays[name].shape != shape or arrays[name].dtype != np.float32):
            raise TypeError(f'"{name}" has the shape {arrays[name].shape}, expected {shape} in float32')
    groups = arrays.get("groups")
    if (
        kind == "softmax_groups"
        and groups is not None
        and (groups.ndim != 2 or groups.dtype != np.uint8 or len(groups) != tags or groups.max(initial=0) > 1)
    ):
        raise TypeError(f'"groups" has the shape {groups.shape}, expected 0 and 1 for each of {tags} tags')

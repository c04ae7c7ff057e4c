"""Rows of a model's head that corrections have changed: one file in the user's data folder, under the model's hash.

The model folder is never touched. `vectortag refresh` writes the file anew from all corrections, so what it holds is a
function of the model and the corrections alone.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vectortag.core.errors import CorrectionError
from vectortag.core.files import require_regular
from vectortag.core.folders import data_home
from vectortag.core.schema import Count, Finite, Schema, from_json
from vectortag.core.types import FloatArray
from vectortag.core.writing import replace_file
from vectortag.model.blocks import features_of
from vectortag.model.folder import ModelFolder

log = logging.getLogger(__name__)

FORMAT_VERSION = 1


class _About(Schema, frozen=True, kw_only=True):
    """What stands beside the rows; the lists are aligned with them."""

    format_version: Literal[1]
    tags: tuple[str, ...]
    b: tuple[Finite, ...]
    corrections: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Refit:
    """What is added to the logit of one of a model's own tags: `features @ w + b`; see `model.blocks.features_of`.

    Attributes:
        corrections: on how many photos it rests.
    """

    tag: str
    w: FloatArray  # (F,)
    b: float
    corrections: int


def refits_file(model: ModelFolder) -> Path:
    """The file of a model's refits; it may not exist."""
    return data_home() / "refits" / f"{model.digest}.safetensors"


def read_refits(model: ModelFolder) -> tuple[Refit, ...]:
    """The refits of a model. A file that cannot be read is named in a warning and left alone; then there are none."""
    file = refits_file(model)
    try:
        return _read(model, file)
    except FileNotFoundError:
        return ()
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:
        problem = str(error).splitlines()[0]
    log.warning(
        "%s: cannot be read, so what corrections have taught is left out: %s. Run: vectortag refresh", file, problem
    )
    return ()


def _read(model: ModelFolder, file: Path) -> tuple[Refit, ...]:
    """Read a file of refits; OSError or ValueError where that cannot be done."""
    from safetensors import SafetensorError, safe_open

    require_regular(file)
    try:
        with safe_open(file, framework="numpy") as content:
            about = from_json(_About, (content.metadata() or {}).get("refits", ""))
            rows = [content.get_tensor(str(place)) for place in range(len(about.tags))]
    except SafetensorError as error:
        raise ValueError(error) from error
    refits = tuple(map(Refit, about.tags, rows, about.b, about.corrections))
    if len(refits) != len(about.tags) or len(set(about.tags)) != len(about.tags):
        raise ValueError("its lists do not fit together")
    none = np.zeros((0, model.manifest.backbone.width), np.float32)
    for one in refits:
        if one.tag not in model.manifest.tags:
            raise ValueError(f'the model has no tag "{one.tag}"')
        number, _ = model.head.block_of(model.manifest.tags.index(one.tag))
        width = features_of(model.head.blocks[number], none).shape[1]
        if one.w.shape != (width,) or not np.isfinite(one.w).all():
            raise ValueError(f'"{one.tag}": expected {width} finite weights, got an array of {one.w.shape}')
    return refits


def save_refits(model: ModelFolder, refits: Sequence[Refit]) -> None:
    """Replace the refits of a model.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    from safetensors.numpy import save

    file = refits_file(model)
    try:
        _put_aside(model, file)
        if not refits:
            file.unlink(missing_ok=True)
            return
        about = {
            "format_version": FORMAT_VERSION,
            "tags": [one.tag for one in refits],
            "b": [one.b for one in refits],
            "corrections": [one.corrections for one in refits],
        }
        arrays = {str(index): one.w for index, one in enumerate(refits)}
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, save(arrays, metadata={"refits": json.dumps(about)}))
    except OSError as error:
        raise CorrectionError(f"{file}: cannot be written: {error.strerror or error}") from error


def _put_aside(model: ModelFolder, file: Path) -> None:
    """Rename a file that cannot be read, rather than replace it: nothing of a user's is deleted for that."""
    try:
        _read(model, file)
    except FileNotFoundError:
        return
    except ValueError:
        aside = file.with_name(f"{file.name}.unreadable-{os.urandom(4).hex()}")
        file.rename(aside)
        log.warning("%s: could not be read and is kept as %s", file, aside.name)

"""Tags that a user added to a model, kept in the user's data folder under the model's hash: one file a tag.

The model folder is never touched. A file appears whole, by link or rename, and only where no other writer has put that
tag in the meantime; so a killed process leaves the old state, and two writers never mix.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vectortag.errors import CorrectionError, ModelFolderError, NewTagError
from vectortag.model_folder import ModelFolder, read_arrays
from vectortag.new_tags import FittedTag
from vectortag.places import data_home, replace_file, written_beside
from vectortag.thresholds import Profile
from vectortag.types import FloatArray

log = logging.getLogger(__name__)

SUFFIX = ".safetensors"
LONGEST_NAME = 60


class AddedTag(BaseModel):
    """What one added tag is, besides its row.

    Attributes:
        parents: tags of the model that it implies, all generations.
        size: the input size that it was fitted at.
        examples: how many photos showed it.
        separation: see `vectortag.new_tags.FittedTag`.
        corrections: how many corrections it was fitted on besides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[2] = 2
    name: str
    parents: tuple[str, ...]
    size: int
    slope: float
    bias: float
    thresholds: Mapping[Profile, float]
    examples: int = Field(gt=0)
    counterexamples: int = Field(ge=0)
    separation: float
    corrections: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class Additions:
    """All added tags of a model, by name: their descriptions, and their rows (T, F) on its unit features."""

    tags: tuple[AddedTag, ...]
    rows: FloatArray


NO_ADDITIONS = Additions((), np.empty((0, 0), np.float32))


def folder_of(model: ModelFolder) -> Path:
    """Where the added tags of a model lie; it may not exist yet."""
    return data_home() / "additions" / model.digest


def read_additions(model: ModelFolder) -> Additions:
    """Read the added tags of a model; none, and a warning, where the data folder cannot be looked into.

    Raises:
        ModelFolderError: a file was changed by hand, or is of a newer version.
    """
    read = [_read(file) for file in _files(folder_of(model))]
    read.sort(key=lambda one: one[0].name)
    return Additions(tuple(tag for tag, _ in read), np.stack([row for _, row in read])) if read else NO_ADDITIONS


def save_addition(
    model: ModelFolder,
    name: str,
    fitted: FittedTag,
    *,
    parents: tuple[str, ...],
    size: int,
    examples: FloatArray,
    counterexamples: FloatArray,
) -> AddedTag:
    """Keep a fitted tag, with the embeddings (n, V, K) that it was fitted on.

    Raises:
        NewTagError: the tag exists already, or the data folder cannot be written.
    """
    from safetensors.numpy import save

    fields = asdict(fitted)
    row = fields.pop("w")
    counts = {"examples": len(examples), "counterexamples": len(counterexamples)}
    tag = AddedTag(name=name, parents=parents, size=size, **counts, **fields)
    arrays = {"w": row, "examples": np.float16(examples), "counterexamples": np.float16(counterexamples)}
    content = save(arrays, metadata={"tag": tag.model_dump_json()})
    file = _file_of(model, name)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _create(file, content)
    except FileExistsError as error:
        raise NewTagError(f'"{name}" was added to {model.id} already. Remove it first: vectortag remove-tag') from error
    except OSError as error:
        raise NewTagError(f"{file}: the new tag cannot be saved: {error.strerror}") from error
    return tag


def read_examples(model: ModelFolder, tag: AddedTag) -> tuple[FloatArray, FloatArray]:
    """The embeddings (n, V, K) of the examples and counterexamples that a tag was added from.

    Raises:
        ModelFolderError: the file is gone, or was changed by hand.
    """
    arrays = read_arrays(_file_of(model, tag.name))
    return arrays["examples"].astype(np.float32), arrays["counterexamples"].astype(np.float32)


def replace_addition(model: ModelFolder, tag: AddedTag, fitted: FittedTag, *, corrections: int) -> None:
    """Put a new fit in the place of an added tag's old one; its examples stay.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    from safetensors.numpy import save

    file = _file_of(model, tag.name)
    fields = asdict(fitted)
    arrays = {**read_arrays(file), "w": fields.pop("w")}
    changed = tag.model_copy(update={**fields, "corrections": corrections})
    try:
        replace_file(file, save(arrays, metadata={"tag": changed.model_dump_json()}))
    except OSError as error:
        raise CorrectionError(f"{file}: cannot be written: {error.strerror or error}") from error


def remove_addition(model: ModelFolder, name: str) -> None:
    """Forget an added tag.

    Raises:
        NewTagError: no such tag was added, or its file cannot be removed.
    """
    try:
        _file_of(model, name).unlink()
    except FileNotFoundError as error:
        raise NewTagError(f'"{name}" was not added to {model.id}. See: vectortag tags') from error
    except OSError as error:
        raise NewTagError(f"{_file_of(model, name)}: cannot be removed: {error.strerror}") from error


def _file_of(model: ModelFolder, name: str) -> Path:
    return folder_of(model) / (quote(name, safe=" ") + SUFFIX)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == SUFFIX)
    except FileNotFoundError:
        return []
    except OSError as error:  # as in a container whose user has no home
        log.warning("%s: cannot be read, so there are no added tags: %s", folder, error.strerror)
        return []


def _read(file: Path) -> tuple[AddedTag, FloatArray]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as content:
            return AddedTag.model_validate_json((content.metadata() or {}).get("tag", "")), content.get_tensor("w")
    except (SafetensorError, ValidationError, json.JSONDecodeError, OSError) as error:
        problem = str(error).splitlines()[0]
        raise ModelFolderError(f"{file}: cannot be read as an added tag: {problem}. Remove the file") from error


def _create(file: Path, content: bytes) -> None:
    """Write beside the final place, then link: unlike a rename, that fails where the name is taken."""
    with written_beside(file, content) as temporary:
        try:
            os.link(temporary, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if file.exists():
                raise FileExistsError(file) from None
            temporary.rename(file)

"""Tags that a user added to a model, stored in the user's data folder under the model's hash: one file a tag.

The model folder is never touched. A file appears whole, by link or rename, and only where no other writer has put that
tag in the meantime; so a killed process leaves the old state, and two writers never mix.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import numpy as np
from msgspec.structs import replace

from vectortag.core.errors import CorrectionError, ModelFolderError, NewTagError
from vectortag.core.files import require_regular
from vectortag.core.folders import data_home
from vectortag.core.schema import Count, Finite, Schema, SchemaError, from_json, to_json
from vectortag.core.text import has_control_characters
from vectortag.core.types import FloatArray
from vectortag.core.writing import replace_file, written_beside
from vectortag.model.added_block import new_tag_parts
from vectortag.model.calibration import PROFILES, Calibration, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.storage import read_arrays
from vectortag.model.trust import Promise
from vectortag.model.words.similarity import WordEmbedding

if TYPE_CHECKING:
    from vectortag.personal.few_shot import FittedTag

log = logging.getLogger(__name__)

SUFFIX = ".safetensors"
LONGEST_NAME = 60
LONGEST_FILE = 180
"""Bytes of a file's name: a character of Chinese takes nine there, and file systems allow 255."""


class AddedTag(Schema, frozen=True, kw_only=True):
    """The stored fields of one added tag, without its arrays.

    Attributes:
        parents: tags of the model that it implies, all generations.
        size: the input size that it was fitted at.
        examples: how many photos showed it.
        separation: see `vectortag.personal.few_shot.FittedTag`.
        corrections: how many corrections it was fitted on as well.
        words: the text that says what it is; None where photos alone do.
        nearest: the nearest words that the model was taught.
        nearness: how near the nearest of them is, in cosine.
        class_nearness: the same of the classes of the network; None where it was not looked at.
        precision, recall: of the photos from elsewhere that are shown it, how many have it; of those that have it, how
            many are shown it; None where that was not measured. See `vectortag.model.trust.Promise`.
        series: how many different photos the examples count as; None where that was not looked at.
    """

    format_version: Literal[2] = 2
    name: str
    parents: tuple[str, ...]
    size: int
    slope: Finite
    bias: Finite
    thresholds: Mapping[Profile, Finite]
    examples: Count
    counterexamples: Count
    separation: Finite
    corrections: Count = 0
    words: str | None = None
    nearest: tuple[str, ...] = ()
    nearness: Finite | None = None
    class_nearness: Finite | None = None
    precision: Finite | None = None
    recall: Finite | None = None
    series: Count | None = None

    @property
    def promise(self) -> Promise | None:
        """What is expected of it, where that was measured."""
        return None if self.precision is None or self.recall is None else Promise(self.precision, self.recall)

    @property
    def calibration(self) -> Calibration:
        """The calibration of this one tag."""
        return Calibration.of_one(self.slope, self.bias, self.thresholds)


@dataclass(frozen=True, slots=True)
class Additions:
    """All added tags of a model, by name: their descriptions, their rows (T, F) on its unit features, and by row, of
    those that have words, where these are placed."""

    tags: tuple[AddedTag, ...]
    rows: FloatArray
    embedded: Mapping[int, WordEmbedding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a tag: their text, its embedding, and the nearest known words; see `AddedTag`."""

    text: str
    embedded: WordEmbedding
    nearest: tuple[str, ...]
    nearness: float
    class_nearness: float | None = None


NO_ADDITIONS = Additions((), np.empty((0, 0), np.float32))


def folder_of(model: ModelFolder) -> Path:
    """The folder of a model's added tags; it may not exist yet."""
    return data_home() / "additions" / model.digest


def read_additions(model: ModelFolder) -> Additions:
    """Read the added tags of a model. A file that cannot be read is named in a warning, left out, and left alone."""
    read: dict[str, tuple[AddedTag, FloatArray, WordEmbedding | None]] = {}
    for file in _files(folder_of(model)):
        try:
            tag, row, word = _read(file)
            _refuse_misfits(model, tag, row)
        except (ModelFolderError, ValueError) as error:
            log.warning("%s: cannot be read as an added tag, so the model has no such tag now: %s", file, error)
            continue
        read[tag.name] = tag, row, word
    if not read:
        return NO_ADDITIONS
    in_order = [read[name] for name in sorted(read)]
    embedded = {row: one for row, (_, _, one) in enumerate(in_order) if one is not None}
    return Additions(tuple(tag for tag, _, _ in in_order), np.stack([row for _, row, _ in in_order]), embedded)


def _refuse_misfits(model: ModelFolder, tag: AddedTag, row: FloatArray) -> None:
    """Refuse an added tag with ValueError whose values are not those of a tag of this model."""
    manifest = model.manifest
    if not tag.name or has_control_characters(tag.name) or tag.name in manifest.tags:
        raise ValueError(f"it cannot be called {tag.name!r}")
    if strange := set(tag.parents).difference(manifest.tags):
        raise ValueError(f'the model has no tag "{min(strange)}"')
    if set(tag.thresholds) != set(PROFILES):
        raise ValueError(f"expected thresholds for {', '.join(PROFILES)}")
    width = sum(new_tag_parts(model.head))
    if row.shape != (width,) or not np.isfinite(row).all():
        raise ValueError(f"expected {width} finite weights, got an array of {row.shape}")


def save_addition(
    model: ModelFolder,
    name: str,
    fitted: FittedTag,
    *,
    parents: tuple[str, ...],
    size: int,
    examples: FloatArray,
    counterexamples: FloatArray,
    wording: Wording | None = None,
    replacing: bool = False,
) -> AddedTag:
    """Store a fitted tag, with the embeddings (n, V, K) that it was fitted on, and its words.

    Args:
        replacing: replace an added tag of that name.

    Raises:
        NewTagError: the tag exists already, or the data folder cannot be written.
    """
    from safetensors.numpy import save

    fields = _fields(fitted)
    fields |= {"examples": len(examples), "counterexamples": len(counterexamples)}
    arrays = {"w": fitted.w, "examples": np.float16(examples), "counterexamples": np.float16(counterexamples)}
    if wording is not None:
        fields |= {"words": wording.text, "nearest": wording.nearest, "nearness": wording.nearness}
        fields["class_nearness"] = wording.class_nearness
        arrays |= _packed(wording.embedded)
    tag = AddedTag(name=name, parents=parents, size=size, **fields)
    content = save(arrays, metadata={"tag": to_json(tag)})
    file = _file_of(model, name)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        (replace_file if replacing else _create)(file, content)
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
    """Replace the fit of an added tag; its examples stay.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    from safetensors.numpy import save

    file = _file_of(model, tag.name)
    arrays = {**read_arrays(file), "w": fitted.w}
    changed = replace(tag, **_fields(fitted), corrections=corrections)
    try:
        replace_file(file, save(arrays, metadata={"tag": to_json(changed)}))
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


def _fields(fitted: FittedTag) -> dict[str, Any]:
    """The fields of an AddedTag that a fit decides."""
    slope, bias, thresholds = fitted.calibration.one(0)
    fields = {"slope": slope, "bias": bias, "thresholds": thresholds, "separation": fitted.separation}
    precision, recall = (None, None) if fitted.promise is None else (fitted.promise.precision, fitted.promise.recall)
    return fields | {"precision": precision, "recall": recall, "series": fitted.examples}


def _file_of(model: ModelFolder, name: str) -> Path:
    """By the name; a long one is cut, and a hash of it keeps it apart from others."""
    file = quote(name, safe=" ")
    if len(file) > LONGEST_FILE:
        file = f"{file[:LONGEST_FILE]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return folder_of(model) / (file + SUFFIX)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == SUFFIX)
    except FileNotFoundError:
        return []
    except OSError as error:  # as in a container whose user has no home
        log.warning("%s: cannot be read, so there are no added tags: %s", folder, error.strerror)
        return []


def _packed(embedded: WordEmbedding) -> dict[str, FloatArray]:
    counts = np.array([embedded.by_class, embedded.by_direction, embedded.middle], np.float32)
    return {"classes": embedded.classes, "query": embedded.query, "counts": counts}


def _read(file: Path) -> tuple[AddedTag, FloatArray, WordEmbedding | None]:
    from safetensors import SafetensorError, safe_open

    try:
        require_regular(file)
        with safe_open(file, framework="numpy") as content:
            tag = from_json(AddedTag, (content.metadata() or {}).get("tag", ""))
            if tag.words is None:
                return tag, content.get_tensor("w"), None
            classes, query, counts = map(content.get_tensor, ("classes", "query", "counts"))
            return tag, content.get_tensor("w"), WordEmbedding(classes, query, *counts.tolist())
    except OSError as error:
        raise ModelFolderError(error.strerror or str(error)) from error
    except (SafetensorError, SchemaError) as error:
        raise ModelFolderError(str(error).splitlines()[0]) from error


def _create(file: Path, content: bytes) -> None:
    """Write a temporary file, then link it: unlike a rename, that fails where the name is taken."""
    with written_beside(file, content) as temporary:
        try:
            os.link(temporary, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if file.exists():
                raise FileExistsError(file) from None
            temporary.rename(file)

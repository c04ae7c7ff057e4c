"""The model folder: its files, read with every hash verified. `write_folder` writes it.

manifest.json   model.onnx   head.safetensors   MODEL_CARD.md
and perhaps     background.safetensors   classifier.safetensors   words.safetensors   model.int8.onnx
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import ModelFolderError, OverwriteError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.types import Arithmetic, FloatArray
from vectortag.model.bank import Bank, unpack_bank
from vectortag.model.classifier import Classifier
from vectortag.model.head import Head
from vectortag.model.history import Epoch, learning_of
from vectortag.model.limits import check_arrays, check_manifest, check_sizes, read_manifest
from vectortag.model.manifest import Manifest, parse_manifest
from vectortag.model.storage import (
    read_arrays,
    read_classifier,
    read_head,
    unpack_background,
)
from vectortag.model.words.similarity import Words, no_classes
from vectortag.model.words.storage import unpack_words

MANIFEST, NETWORK, HEAD, CARD = "manifest.json", "model.onnx", "head.safetensors", "MODEL_CARD.md"
INT8_NETWORK = "model.int8.onnx"
"""Optional: the network with 8-bit weights and activations, where that pays."""
BACKGROUND = "background.safetensors"
"""Optional: embeddings of training photos drawn at random, (B, K) in 8 bits, that new tags are fitted against; and
perhaps the bank, more and more varied photos, with how far a tag that is fitted against them carries over."""
CLASSIFIER = "classifier.safetensors"
"""Optional: the classifier that the backbone was pretrained with, fp16, and the names of its classes."""
WORDS = "words.safetensors"
"""Optional: how words relate to the embeddings; written by `vectortag learn-words`."""

FILES = frozenset({MANIFEST, NETWORK, HEAD, CARD, INT8_NETWORK, BACKGROUND, CLASSIFIER, WORDS})
NOT_OURS = frozenset({".DS_Store", ".directory", "Thumbs.db", "desktop.ini"})
"""What file managers leave in any folder that is looked at; it goes with a folder that is replaced."""


@dataclass(frozen=True)
class ModelFolder:
    """A verified model folder.

    Attributes:
        path, manifest: the folder and its manifest.
        digest: sha256 of manifest.json, which holds the hashes of all other files: it names the whole folder.
    """

    path: Path
    manifest: Manifest
    digest: str

    @property
    def id(self) -> str:
        """`name@digest`, short; every output names it, so that only scores of one model are compared."""
        return f"{self.manifest.name}@{self.digest[:8]}"

    @property
    def history(self) -> tuple[Epoch, ...]:
        """The figures of each epoch of its training, in order; empty where the manifest does not have them."""
        return learning.epochs if (learning := learning_of(self.manifest.provenance)) else ()

    @property
    def network(self) -> Path:
        """The path of model.onnx."""
        return self.path / NETWORK

    @property
    def has_int8(self) -> bool:
        """Whether there is a model.int8.onnx."""
        return INT8_NETWORK in self.manifest.files

    def network_in(self, arithmetic: Arithmetic) -> Path:
        """The path of the network that computes in this way."""
        return self.path / INT8_NETWORK if arithmetic == "int8" else self.network

    @functools.cached_property
    def head(self) -> Head:
        """The head's blocks, in the order of the tags.

        Raises:
            ModelFolderError: the matrices do not fit the manifest.
        """
        return read_head(self.path / HEAD, self.manifest, self.classifier)

    @functools.cached_property
    def background(self) -> FloatArray | None:
        """(B, K) float32, or None where the folder has no background.

        Raises:
            ModelFolderError: the file does not fit the manifest.
        """
        if BACKGROUND not in self.manifest.files:
            return None
        embeddings = unpack_background(read_arrays(self.path / BACKGROUND))
        if embeddings.ndim != 2 or embeddings.shape[1] != self.manifest.backbone.width:
            raise ModelFolderError(f"{self.path / BACKGROUND}: embeddings have the shape {embeddings.shape}")
        return embeddings

    @functools.cached_property
    def bank(self) -> Bank | None:
        """The larger background of few examples, or None where `vectortag learn-words` has not made it.

        Raises:
            ModelFolderError: the file does not fit the manifest.
        """
        if BACKGROUND not in self.manifest.files:
            return None
        try:
            return unpack_bank(read_arrays(self.path / BACKGROUND), self.manifest.backbone.width)
        except (KeyError, ValueError) as error:
            raise ModelFolderError(f"{self.path / BACKGROUND}: {error}. Run: vectortag learn-words") from error

    def int8_content(self) -> bytes | None:
        """model.int8.onnx, or None where the folder has none."""
        return self.network_in("int8").read_bytes() if self.has_int8 else None

    @functools.cached_property
    def classifier(self) -> Classifier | None:
        """The backbone's own classifier, or None where the folder has none.

        Raises:
            ModelFolderError: the file does not fit the manifest.
        """
        if CLASSIFIER not in self.manifest.files:
            return None
        return read_classifier(self.path / CLASSIFIER, self.manifest.backbone.width)

    @functools.cached_property
    def words(self) -> Words | None:
        """What the model knows of words, or None where it has not learnt them.

        Raises:
            ModelFolderError: the file does not fit the manifest.
        """
        if WORDS not in self.manifest.files:
            return None
        try:
            return unpack_words(
                read_arrays(self.path / WORDS), self.classifier or no_classes(self.manifest.backbone.width)
            )
        except (KeyError, ValueError) as error:
            raise ModelFolderError(f"{self.path / WORDS}: {error}. Run: vectortag learn-words") from error


def read_model_folder(path: str | Path) -> ModelFolder:
    """Read a model folder and verify every file of it against the manifest.

    Raises:
        ModelFolderError: a file is missing or changed, the manifest is not understood, or it is of a newer version.
    """
    folder = Path(path)
    try:
        raw = read_manifest(folder / MANIFEST)
    except OSError as error:
        raise ModelFolderError(
            f"{folder}: no model folder here: {MANIFEST} cannot be read ({error.strerror})"
        ) from error
    manifest = parse_manifest(raw, folder / MANIFEST)
    check_manifest(manifest, folder / MANIFEST)
    check_sizes(folder, manifest.files)
    for name, expected in manifest.files.items():
        if Path(name).name != name or name in {"", ".."}:
            raise ModelFolderError(f'{folder / MANIFEST}: file "{name}": a model folder has no folders inside')
        _verify(folder / name, expected)
    if missing := {NETWORK, HEAD} - set(manifest.files):
        raise ModelFolderError(f"{folder / MANIFEST}: files does not list {', '.join(sorted(missing))}")
    for name in manifest.files:
        if name.endswith(".safetensors"):
            check_arrays(folder / name)
    return ModelFolder(folder, manifest, hashlib.sha256(raw).hexdigest())


def _verify(file: Path, expected: str) -> None:
    try:
        with open_regular(file) as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelFolderError(
            f"{file}: listed in the manifest, but {error.strerror}. Copy the folder again"
        ) from error
    if actual != expected:
        raise ModelFolderError(
            f"{file}: changed since the model was written (sha256 is {actual[:12]}..., the manifest says "
            f"{expected[:12]}...). Copy the folder again"
        )


def check_destination(path: Path) -> None:
    """Refuse to put a model folder where something else lies: a file, or a folder that holds anything else.

    Raises:
        OverwriteError: so it is.
    """
    try:
        names = {file.name for file in path.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        message = f"the model folder cannot be written: {error.strerror}. Name another folder for the model"
        raise ModelFolderError(f"{escape_path(path)}: {message}") from error
    if others := sorted(names - FILES - NOT_OURS):
        raise OverwriteError(
            f'{escape_path(path)}: holds "{escape_path(others[0])}", which is no part of a model folder, and would be '
            "lost. Name another folder for the model"
        )

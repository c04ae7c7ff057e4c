"""A model folder is written whole, under a temporary name, and then renamed: readers never see half of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from vectortag.core.errors import ModelFolderError
from vectortag.core.schema import from_plain, to_plain
from vectortag.core.types import FloatArray
from vectortag.core.writing import replace_folder
from vectortag.model.bank import Bank, pack_bank
from vectortag.model.classifier import Classifier
from vectortag.model.folder import (
    BACKGROUND,
    CARD,
    CLASSIFIER,
    HEAD,
    INT8_NETWORK,
    MANIFEST,
    NETWORK,
    WORDS,
    ModelFolder,
    check_destination,
    read_model_folder,
)
from vectortag.model.head import Head
from vectortag.model.manifest import Manifest
from vectortag.model.storage import pack_background, pack_classifier, pack_head
from vectortag.model.words.similarity import Words
from vectortag.model.words.storage import pack_words


def write_model_folder(
    path: Path,
    *,
    network: bytes,
    head: Head,
    card: Callable[[Manifest], str],
    background: FloatArray | None = None,
    bank: Bank | None = None,
    int8_network: bytes | None = None,
    classifier: Classifier | None = None,
    words: Words | None = None,
    **manifest_fields: Any,
) -> ModelFolder:
    """Write a whole model folder under a temporary name, then rename it: readers never see half of it.

    Args:
        path: the folder; an older one of that name is replaced.
        network: the ONNX file.
        head: the head; its blocks are described in the manifest. Matrices of fp16 values take half the space.
        background: (B, K) embeddings of photos of everything, for new tags; stored in 8 bits.
        bank: more of them, and what they are trusted for; stored in 4 bits, beside the background.
        int8_network: the same network, quantised.
        classifier: what the backbone was pretrained with; its weights are stored as fp16.
        words: how words relate to the embeddings.
        card: writes MODEL_CARD.md from the manifest. Its own hash is added to the manifest afterwards.
        manifest_fields: the manifest's other fields, without `head` and `files`.

    Raises:
        ModelFolderError: the folder cannot be written.
        OverwriteError: something else than a model folder lies there.
    """
    from safetensors.numpy import save

    contents = {NETWORK: network, HEAD: save(pack_head(head))}
    if background is not None:
        arrays = pack_background(background.astype(np.float32))
        contents[BACKGROUND] = save(arrays if bank is None else arrays | pack_bank(bank))
    if int8_network is not None:
        contents[INT8_NETWORK] = int8_network
    if classifier is not None:
        contents[CLASSIFIER] = save(pack_classifier(classifier))
    if words is not None:
        contents[WORDS] = save(pack_words(words))
    blocks = [{"kind": block.kind, "tags": block.tag_count} for block in head.blocks]
    manifest = from_plain(Manifest, {**manifest_fields, "head": blocks, "files": _hashes(contents)})
    contents[CARD] = card(manifest).encode()
    manifest = replace(manifest, files=_hashes(contents))
    contents[MANIFEST] = (json.dumps(to_plain(manifest), ensure_ascii=False) + "\n").encode()
    check_destination(path)
    try:
        replace_folder(path, contents)
    except OSError as error:
        raise ModelFolderError(f"{path}: the model folder cannot be written: {error}") from error
    return read_model_folder(path)


def rewrite_model_folder(
    folder: ModelFolder,
    path: Path,
    *,
    int8_network: bytes | None,
    words: Words | None,
    card: Callable[[Manifest], str],
    bank: Bank | None = None,
    **changes: Any,
) -> ModelFolder:
    """Write a model folder again, with another int8 network or other words; all else is as it was.

    Args:
        path: where; the folder's own path replaces it.
        int8_network, words, card: as in `write_model_folder`.
        bank: another bank; None keeps the folder's own.
        changes: fields of the manifest that change with them.

    Raises:
        ModelFolderError: the folder cannot be written.
    """
    written = {"format_version", "head", "files"}
    fields = {name: getattr(folder.manifest, name) for name in Manifest.__struct_fields__ if name not in written}
    return write_model_folder(
        path,
        network=folder.network.read_bytes(),
        head=folder.head,
        background=folder.background,
        bank=bank or folder.bank,
        classifier=folder.classifier,
        int8_network=int8_network,
        words=words,
        card=card,
        **(fields | changes),
    )


def _hashes(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}

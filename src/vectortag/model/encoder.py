"""An image-text encoder that a person has on disk, as ONNX, in the layout in which Immich keeps CLIP and SigLIP.

config.json                  visual/model.onnx    visual/preprocess_cfg.json
textual/model.onnx           textual/tokenizer.json    textual/tokenizer_config.json

Its files are looked at as those of a model from a stranger: bounded, known values, and networks as `runtime.onnx_check`
lets pass. Constants may be in other files of the network's own folder, and nowhere else. Nothing is downloaded.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from vectortag.core.errors import ModelFolderError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.schema import to_json
from vectortag.core.text import has_control_characters
from vectortag.core.types import FloatArray
from vectortag.model.encoder_texts import EncoderTexts, TextSettings
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.encoder_session import PhotoEncoderSession
from vectortag.runtime.network_limits import ENCODER
from vectortag.runtime.onnx_check import check_network
from vectortag.runtime.pixels import FilterName, PixelRecipe, ResizeMode
from vectortag.runtime.session import Runtime

CONFIG, VISUAL, TEXTUAL = "config.json", "visual", "textual"
NETWORK, PIXELS, TOKENIZER, TOKENIZER_CONFIG = (
    "model.onnx",
    "preprocess_cfg.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
SETTINGS_BYTES, TOKENIZER_BYTES = 8 << 20, 128 << 20
"""The tokenizer.json of SigLIP 2 has 34 MB."""
LEAST_SIZE, LARGEST_SIZE = 8, 1024
MOST_PIECES = 1024
USUAL_PIECES = 77
"""Of a text, where config.json does not say it; as open_clip has it."""
MODES: dict[str, ResizeMode] = {"squash": "squash", "shortest": "shortest"}


@dataclass(frozen=True)
class Encoder:
    """An encoder whose files were checked. No network is loaded before it is needed.

    Attributes:
        path: the folder.
        digest: sha256 over the image side: its network, the files with its constants, and its pixels. It names the
            embeddings of photos for good.
        pixels, size: how a photo becomes the network's input, `size` pixels a side.
        mean, deviation: (3,) by which the input is normalised.
        text_settings: of the text side.
    """

    path: Path
    digest: str
    pixels: PixelRecipe
    size: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    text_settings: TextSettings

    @classmethod
    def read(cls, path: str | Path) -> Encoder:
        """Check an encoder's folder.

        Raises:
            ModelFolderError: a file is missing or too large, or holds what is not allowed.
        """
        folder = Path(path)
        _require_layout(folder)
        pixels, size, mean, deviation = _read_pixels(folder / VISUAL / PIXELS)
        digest = _digest_of(folder / VISUAL / NETWORK, [to_json(pixels), size, mean, deviation])
        return cls(folder, digest, pixels, size, mean, deviation, _read_text_settings(folder))

    @property
    def name(self) -> str:
        """The name of the folder."""
        name = escape_path(self.path.absolute().name)
        return "encoder" if not name or has_control_characters(name) else name[:60]

    @property
    def id(self) -> str:
        """`name@digest`, short."""
        return f"{self.name}@{self.digest[:8]}"

    def open_embedder(
        self, *, threads: int | None = None, max_pixels: int | None = None, runtime: Runtime = "auto"
    ) -> Embedder:
        """The image side, which is loaded for the first photo; its embeddings are of length 1."""
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        network = self.path / VISUAL / NETWORK
        session = PhotoEncoderSession(network, mean, deviation, runtime=runtime, threads=threads)
        return Embedder(session, self.pixels, self.size, max_pixels)

    @functools.cached_property
    def texts(self) -> EncoderTexts:
        """The text side, loaded once.

        Raises:
            MissingExtraError, ModelFolderError: as `EncoderTexts`.
        """
        return EncoderTexts(self.path / TEXTUAL / NETWORK, self.path / TEXTUAL / TOKENIZER, self.text_settings)

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) of length 1: where photos point that these texts describe.

        Raises:
            MissingExtraError, ModelFolderError: the text side cannot be loaded.
            WordsError: a text is empty or too long.
        """
        return self.texts.embed(texts)


def _require_layout(folder: Path) -> None:
    wanted = [
        CONFIG,
        *(f"{VISUAL}/{name}" for name in (NETWORK, PIXELS)),
        *(f"{TEXTUAL}/{name}" for name in (NETWORK, TOKENIZER, TOKENIZER_CONFIG)),
    ]
    if missing := [name for name in wanted if not (folder / name).is_file()]:
        raise ModelFolderError(
            f"{escape_path(folder)}: no encoder in the layout of Immich: {', '.join(missing)} missing. Name the folder "
            f"that holds {CONFIG}, {VISUAL}/ and {TEXTUAL}/"
        )


def _digest_of(network: Path, settings: object) -> str:
    """Check a network, and hash it with the files beside it and with its settings."""
    hashed = hashlib.sha256(json.dumps(settings).encode())
    for file in (network, *check_network(network, ENCODER)):
        try:
            with open_regular(file) as stream:
                hashed.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise ModelFolderError(f"{escape_path(file)}: cannot be read: {error.strerror}") from error
    return hashed.hexdigest()


def _read_pixels(file: Path) -> tuple[PixelRecipe, int, tuple[float, ...], tuple[float, ...]]:
    given = read_settings(file)
    size = given.get("size")
    sides = size if isinstance(size, list) else [size, size]
    side = sides[0] if len(sides) == 2 and sides[0] == sides[1] else None
    if not isinstance(side, int) or not _is_within(side, LEAST_SIZE, LARGEST_SIZE):
        raise ModelFolderError(
            f"{escape_path(file)}: size: expected {LEAST_SIZE} to {LARGEST_SIZE} pixels, as wide as high, got {size!r}"
        )
    mode, filter_ = given.get("resize_mode", "shortest"), str(given.get("interpolation", "bicubic")).lower()
    if mode not in MODES or filter_ not in get_args(FilterName) or given.get("mode", "RGB") != "RGB":
        raise ModelFolderError(
            f"{escape_path(file)}: expected the mode RGB, resize_mode {' or '.join(MODES)} and interpolation "
            f"{' or '.join(get_args(FilterName))}, got {given.get('mode', 'RGB')!r}, {mode!r} and {filter_!r}"
        )
    mean, deviation = (_three(file, name, given.get(name)) for name in ("mean", "std"))
    if min(deviation) <= 0:
        raise ModelFolderError(f"{escape_path(file)}: std: expected numbers above 0, got {list(deviation)}")
    recipe = PixelRecipe(resize=MODES[mode], filter=cast(FilterName, filter_))
    return recipe, side, mean, deviation


def _three(file: Path, name: str, value: Any) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 3 or not all(_is_number(one) and abs(one) <= 1000 for one in numbers):
        raise ModelFolderError(f"{escape_path(file)}: {name}: expected three numbers, got {value!r}")
    return tuple(map(float, numbers))


def _read_text_settings(folder: Path) -> TextSettings:
    config, of_tokenizer = read_settings(folder / CONFIG), read_settings(folder / TEXTUAL / TOKENIZER_CONFIG)
    texts = config.get("text_cfg")
    texts = texts if isinstance(texts, dict) else {}
    pieces = texts.get("context_length", USUAL_PIECES)
    if not _is_within(pieces, 2, MOST_PIECES):
        raise ModelFolderError(
            f"{escape_path(folder / CONFIG)}: text_cfg.context_length: expected 2 to {MOST_PIECES:,}, got {pieces!r}"
        )
    pad = of_tokenizer.get("pad_token")
    pad = pad.get("content") if isinstance(pad, dict) else pad
    if not isinstance(pad, str):
        where = escape_path(folder / TEXTUAL / TOKENIZER_CONFIG)
        raise ModelFolderError(f"{where}: pad_token: expected a text, got {pad!r}")
    options = texts.get("tokenizer_kwargs")
    is_plain = isinstance(options, dict) and options.get("clean") == "canonicalize"
    return TextSettings(int(pieces), pad, plain=is_plain, most_bytes=TOKENIZER_BYTES)


def read_settings(file: Path) -> Mapping[str, Any]:
    """The object of a JSON file.

    Raises:
        ModelFolderError: it cannot be read, is too large, or is no object.
    """
    try:
        with open_regular(file) as stream:
            if os.fstat(stream.fileno()).st_size > SETTINGS_BYTES:
                raise ModelFolderError(f"{escape_path(file)}: too large: the limit is {SETTINGS_BYTES >> 20} MiB")
            found = json.loads(stream.read(SETTINGS_BYTES))
    except OSError as error:
        raise ModelFolderError(f"{escape_path(file)}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{escape_path(file)}: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelFolderError(f"{escape_path(file)}: expected an object, got {type(found).__name__}")
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_within(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

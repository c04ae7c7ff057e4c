"""What the trained part of the network sees: photos, or activations of the frozen part, computed once and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from torch import nn

from vectortag.core.types import ByteArray, FloatArray
from vectortag.data.training import TrainingData
from vectortag.data.training_cache import Array, cached_array
from vectortag.data.training_photos import Photos, key_of, training_photos
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.embedder import embeddings_of
from vectortag.runtime.session import open_session
from vectortag.train.augment import augment, draws
from vectortag.train.backbone import Backbone
from vectortag.train.batches import AugmentedPhotos, CachedViews, PlainPhotos, Source
from vectortag.train.config import TrainConfig
from vectortag.train.export import to_onnx
from vectortag.train.model_weights import measure_norms
from vectortag.train.network import starting_model
from vectortag.train.stages import cut

ReadPhoto = Callable[[int], ByteArray]

BATCH = 16
"""Photos that are written to the cache at once."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The trained part of the backbone, and what it is fed in training and in validation."""

    trunk: nn.Module
    training: Source
    validation: Source


def prepare_inputs(config: TrainConfig, data: TrainingData, backbone: Backbone) -> Inputs:
    """Prepare what `config.freeze` asks for.

    Raises:
        TrainingError: a photo cannot be read, or the cache cannot be written.
        ConfigError: the backbone cannot be cut into stages.
    """
    size = config.backbone.image_size
    photos = training_photos(data.training.records, config.augment.resize or size)
    validation = training_photos(data.validation.records, size)
    if config.freeze != "backbone" and starting_model(config.backbone) is not None:
        measure_norms(backbone, photos, size)
    if config.freeze == "none":
        training = AugmentedPhotos(photos, size, config.augment, config.seed)
        return Inputs(backbone, training, PlainPhotos(validation))
    frozen: nn.Module = backbone
    trunk: nn.Module = nn.Identity()
    if config.freeze == "stages":
        frozen, trunk = cut(backbone, config.backbone.trained_stages)
    plain = training_photos(data.training.records, size)
    cache = _FrozenPart(frozen, size, pooled=config.freeze == "backbone")
    views = [cache.activations(plain, lambda row: plain[row], "plain")]
    for view in range(1, config.augment.views):
        key = f"{config.augment.model_dump_json(exclude={'views', 'mixup'})} {config.seed} {view}"
        views.append(cache.activations(photos, _augmented(photos, size, config, view), key))
    return Inputs(
        trunk,
        CachedViews(tuple(views), config.seed),
        CachedViews((cache.activations(validation, lambda row: validation[row], "plain"),), 0),
    )


def _augmented(photos: Photos, size: int, config: TrainConfig, view: int) -> ReadPhoto:
    def read(row: int) -> ByteArray:
        return augment(photos[row], size, config.augment, draws(config.seed, view, row))

    return read


class _FrozenPart:
    """Runs a frozen part of the network in the inference runtime, which is several times as fast as torch."""

    def __init__(self, part: nn.Module, size: int, *, pooled: bool) -> None:
        network = to_onnx(part, size)
        self._digest, self._size, self._pooled = hashlib.sha256(network).hexdigest(), size, pooled
        self._session = open_session(network, precision="f32" if pooled else "bf16")

    def activations(self, photos: Photos, read: ReadPhoto, key: str) -> FloatArray:
        """(N, C, h, w) float16, or pooled (N, K) float32, of photos as `read` gives them."""
        shape = self._run([read(0)]).shape[1:]
        return cached_array(  # type: ignore[return-value]
            "activations",
            f"{self._digest} {key_of(photos)} {self._size} {key} {self._session.precision}",
            (len(photos), *shape),
            np.float32 if self._pooled else np.float16,
            lambda array: self._fill(array, read),
        )

    def _fill(self, array: Array, read: ReadPhoto) -> Iterable[int]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            for first in range(0, len(array), BATCH):
                rows = range(first, min(first + BATCH, len(array)))
                array[rows.start : rows.stop] = self._run(list(pool.map(read, rows)))
                yield rows.stop

    def _run(self, images: list[ByteArray]) -> FloatArray:
        maps = self._session.run(np.stack(images))
        return embeddings_of(maps) if self._pooled else maps

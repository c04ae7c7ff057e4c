"""A head's inputs where the whole backbone rests: embeddings of the network that ships, computed once and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from torch import nn

from vectortag.core.errors import TrainingError
from vectortag.core.types import FloatArray
from vectortag.data.records import Record
from vectortag.data.training import TrainingData
from vectortag.data.usable import embed_photos_of
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import PixelRecipe
from vectortag.runtime.session import open_session
from vectortag.train.batches import CachedViews
from vectortag.train.config import TrainConfig
from vectortag.train.inputs import Inputs


def embedded_inputs(config: TrainConfig, data: TrainingData, network: bytes) -> Inputs:
    """The embeddings of all photos, one view each.

    Args:
        network: the exported backbone.

    Raises:
        TrainingError: a photo cannot be read.
    """
    embedder = embedder_of(config, network)
    training, validation = (embed_all(embedder, network, part.records) for part in (data.training, data.validation))
    return Inputs(nn.Identity(), CachedViews((training,), config.seed), CachedViews((validation,), 0))


def embedder_of(config: TrainConfig, network: bytes) -> Embedder:
    """The exported backbone as it runs here; a head on it learns in bf16 where the machine has that."""
    lower = config.freeze == "backbone" and config.augment.views == 1 and config.precision != "float32"
    session = open_session(network, precision="bf16" if lower else "f32")
    return Embedder(session, PixelRecipe(), config.backbone.image_size)


def embed_all(embedder: Embedder, network: bytes, records: Sequence[Record]) -> FloatArray:
    """(N, K) embeddings by the code that tags.

    Raises:
        TrainingError: a photo cannot be read.
    """
    embeddings, failed = embed_photos_of(embedder, hashlib.sha256(network).hexdigest(), records)
    if failed:
        raise TrainingError(f"{failed[0]}. Fix the photo or pass --skip-bad-rows")
    return np.stack([embeddings[record.path] for record in records])

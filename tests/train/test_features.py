"""Embeddings for training: those of the tagger, computed once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.data.records import Record
from vectortag.embedder import Embedder
from vectortag.errors import TrainingError
from vectortag.tagger import Tagger
from vectortag.train.features import embed_cached

NETWORK = b"the bytes of model.onnx"


@pytest.fixture
def records(make_photo: Callable[..., Path]) -> list[Record]:
    return [Record(make_photo(f"{n}.jpg", seed=n), (), n + 2, None, "photos") for n in (2, 0, 1)]


@pytest.fixture
def embedder(tagger: Tagger) -> Embedder:
    return tagger.embedder


class BrokenSession:
    """A runtime that nobody should need."""

    runtime = precision = "f32"

    def feature_maps(self, images: np.ndarray) -> Any:
        raise AssertionError("the network ran again")


@pytest.fixture
def idle(embedder: Embedder) -> Embedder:
    """The same embedder, except that its network may not run."""
    return replace(embedder, session=BrokenSession())


def test_they_are_the_taggers_embeddings_in_the_order_of_the_records(embedder: Embedder, records: list[Record]):
    expected = [embedding for _, embedding in embedder.embed_many(record.path for record in records)]

    np.testing.assert_allclose(embed_cached(embedder, NETWORK, records), expected, atol=1e-6)


def test_a_mirrored_view_is_the_embedding_of_the_mirror_image(embedder: Embedder, records: list[Record], tmp_path):
    mirrored = embed_cached(embedder, NETWORK, records, flipped=True)

    for record, embedding in zip(records, mirrored, strict=True):
        pixels = Image.fromarray(embedder.pixels(record.path)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        np.testing.assert_allclose(embedding, embedder.embed(np.asarray(pixels)[None])[0], atol=1e-6)
    assert np.abs(mirrored - embed_cached(embedder, NETWORK, records)).max() > 1e-3


@pytest.mark.parametrize("flipped", [False, True])
def test_the_second_time_the_network_does_not_run(embedder: Embedder, idle: Embedder, records: list[Record], flipped):
    first = embed_cached(embedder, NETWORK, records, flipped=flipped)

    np.testing.assert_array_equal(embed_cached(idle, NETWORK, records, flipped=flipped), first)


def test_another_order_of_the_photos_finds_them_again(embedder: Embedder, idle: Embedder, records: list[Record]):
    first = embed_cached(embedder, NETWORK, records)

    np.testing.assert_array_equal(embed_cached(idle, NETWORK, records[::-1]), first[::-1])


@pytest.mark.parametrize("change", ["network", "photo", "size", "recipe", "precision"])
def test_whatever_changes_the_embeddings_is_part_of_the_key(embedder: Embedder, records: list[Record], change):
    embed_cached(embedder, NETWORK, records)
    other = replace(embedder, session=BrokenSession())
    if change == "size":
        other = replace(other, size=64)
    if change == "recipe":
        other = replace(other, recipe=other.recipe.model_copy(update={"filter": "bicubic"}))
    if change == "precision":
        other.session.precision = "bf16"
    if change == "photo":
        os.utime(records[0].path, (1, 1))

    with pytest.raises(AssertionError, match="the network ran again"):
        embed_cached(other, b"other bytes" if change == "network" else NETWORK, records)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_broken_photo_stops_the_training_and_is_named(embedder: Embedder, records: list[Record], home, flipped):
    records[1].path.write_text("not a photo")

    with pytest.raises(TrainingError, match=r"photos, row 2: .*0\.jpg: not a photo.* List all: vectortag check DATA"):
        embed_cached(embedder, NETWORK, records, flipped=flipped)
    assert not list(home.rglob("*.npy"))


def test_the_cache_holds_nothing_but_finished_files(embedder: Embedder, records: list[Record], home: Path):
    embed_cached(embedder, NETWORK, records)

    (file,) = (home / "cache/embeddings").iterdir()
    assert file.suffix == ".npy"

"""A head's inputs where the backbone rests: what the network that ships gives for each photo, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import TrainingError
from vectortag.train.config import TrainConfig


@pytest.fixture
def embedded(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.embedded")


@pytest.fixture
def config(folder: Path) -> TrainConfig:
    fields = {"backbone": {"image_size": 32}, "augment": {"views": 1}, "freeze": "backbone", "precision": "float32"}
    return TrainConfig.model_validate({"name": "mine", "data": [{"name": "photos", "csv": str(folder)}], **fields})


def test_each_photo_is_embedded_by_the_code_that_tags(embedded: Any, config, data, tiny_network: bytes):
    inputs = embedded.embedded_inputs(config, data, tiny_network)

    embedder = embedded.embedder_of(config, tiny_network)
    for source, part in ((inputs.training, data.training), (inputs.validation, data.validation)):
        (views,) = source.views
        assert views.shape == (len(part.records), 8)
        for record, row in zip(part.records, views, strict=True):
            np.testing.assert_array_equal(row, embedder.embed(embedder.pixels(record.path)[None])[0])


def test_the_trunk_does_nothing(embedded: Any, config, data, tiny_network: bytes, torch: Any):
    inputs = embedded.embedded_inputs(config, data, tiny_network)

    assert list(inputs.trunk.parameters()) == []
    one = torch.rand(2, 8)
    assert inputs.trunk(one) is one


def test_embeddings_are_in_the_order_of_the_records_also_twice(embedded: Any, config, data, tiny_network: bytes):
    embedder = embedded.embedder_of(config, tiny_network)
    records = [*data.training.records, data.training.records[0]]

    found = embedded.embed_all(embedder, tiny_network, records)
    again = embedded.embed_all(embedder, tiny_network, records[::-1])

    np.testing.assert_array_equal(found, again[::-1])
    np.testing.assert_array_equal(found[0], found[-1])


def test_a_photo_that_cannot_be_read_stops_the_training(embedded: Any, config, data, tiny_network: bytes):
    data.training.records[1].path.write_text("no photo")

    with pytest.raises(TrainingError, match=r"not a photo.*\. Fix the photo or pass --skip-bad-rows"):
        embedded.embedded_inputs(config, data, tiny_network)


def test_the_size_is_that_of_the_configuration_and_float32_stays_float32(embedded: Any, config, tiny_network: bytes):
    embedder = embedded.embedder_of(config, tiny_network)

    assert (embedder.size, embedder.session.precision) == (32, "f32")

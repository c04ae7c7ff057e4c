"""What the trained part of a network sees: photos, or what its frozen part makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import TrainingError
from vectortag.runtime.pixels import PixelRecipe, load_pixels
from vectortag.train.augment import augment
from vectortag.train.config import TrainConfig

SIZE = 64


@pytest.fixture
def inputs_of(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """inputs_of(config, data, backbone)"""
    prepare: Callable[..., Any] = need_module("vectortag.train.inputs").prepare_inputs
    return prepare


@pytest.fixture
def batch(need_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """batch(rows, epoch=0, step=0)"""
    make = need_module("vectortag.train.batches").Batch
    return lambda rows, epoch=0, step=0: make(epoch, step, np.array(rows))


@pytest.fixture
def backbone(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    """The smallest ResNet of timm with random weights, for evaluation."""
    module = need_module("vectortag.train.backbone")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = need_module("timm").create_model("test_resnet", num_classes=0)
    made = module.Backbone(body, (0.48, 0.45, 0.4), (0.23, 0.22, 0.21))
    module.trim(made, SIZE)
    return made.eval()


def configured(folder: Path, **fields: Any) -> TrainConfig:
    fields = {"backbone": {"image_size": SIZE, "init": "x.safetensors"}, "precision": "float32", **fields}
    return TrainConfig.model_validate({"name": "mine", "data": [{"name": "photos", "csv": str(folder)}], **fields})


def pixels_of(records: Any) -> np.ndarray:
    return np.stack([load_pixels(record.path, SIZE, PixelRecipe()) for record in records])


def test_a_whole_network_sees_augmented_photos_in_training_and_plain_ones_in_validation(
    inputs_of, batch, backbone, folder, data, torch
):
    inputs = inputs_of(configured(folder, augment={"resize": 72}), data, backbone)

    assert inputs.trunk is backbone
    rows = range(len(data.training.records))
    first, again, later = (inputs.training.inputs(batch(rows, epoch=epoch)) for epoch in (0, 0, 1))
    assert (first.shape, first.dtype) == ((len(rows), SIZE, SIZE, 3), torch.uint8)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    plain = inputs.validation.inputs(batch(range(len(data.validation.records))))
    np.testing.assert_array_equal(plain.numpy(), pixels_of(data.validation.records))


def test_the_last_stages_see_what_the_others_make_of_the_photos(inputs_of, batch, backbone, folder, data, torch):
    inputs = inputs_of(configured(folder, freeze="stages", augment={"views": 1}), data, backbone)

    photos = torch.from_numpy(pixels_of(data.training.records))
    with torch.no_grad():
        expected = backbone(photos)
        got = inputs.trunk.eval()(inputs.training.inputs(batch(range(len(photos)))))
    trained = sum(one.numel() for one in inputs.trunk.parameters())
    assert 0 < trained < sum(one.numel() for one in backbone.parameters())
    scale = expected.abs().max()
    torch.testing.assert_close(got / scale, expected / scale, atol=0.02, rtol=0)  # kept as float16, computed in bf16


def test_the_head_sees_embeddings_of_as_many_views_as_are_asked_for_and_each_is_made_once(
    inputs_of, batch, backbone, folder, data, torch, monkeypatch: pytest.MonkeyPatch
):
    config = configured(folder, freeze="backbone", augment={"views": 3})
    inputs = inputs_of(config, data, backbone)

    with torch.no_grad():
        expected = backbone(torch.from_numpy(pixels_of(data.training.records))).mean(dim=(2, 3)).numpy()
    plain, *others = inputs.training.views
    np.testing.assert_allclose(plain, expected, rtol=1e-3, atol=1e-4)
    assert len(others) == 2
    assert not np.array_equal(*others)
    for one in others:
        assert one.shape == plain.shape
        assert not np.allclose(one, plain, atol=1e-3)
    assert len(inputs.validation.views) == 1

    made: list[int] = []
    real = augment
    monkeypatch.setattr("vectortag.train.inputs.augment", lambda *given: made.append(1) or real(*given))
    again = inputs_of(config, data, backbone).training.views
    assert len(made) == 2  # one photo a view, which says what shape the cached array has
    for one, other in zip(inputs.training.views, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("freeze", ["none", "backbone"])
def test_a_photo_that_cannot_be_read_stops_the_training(inputs_of, backbone, folder, data, freeze: str):
    data.training.records[2].path.write_text("no photo")

    with pytest.raises(TrainingError, match="not a photo"):
        inputs_of(configured(folder, freeze=freeze, augment={"views": 1}), data, backbone)

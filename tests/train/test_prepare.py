"""What a training starts from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import vectortag as vt
from vectortag.train.config import TrainConfig


@pytest.fixture
def start(
    torch: Any, need_module: Callable[[str], ModuleType], make_data_set: Callable[..., Path], tmp_path: Path
) -> Callable[..., Any]:
    """start(freeze="none"): a training of two tags is prepared, from random weights."""

    def prepare(**changes: Any) -> Any:
        from safetensors.torch import save_file

        file = tmp_path / "weights.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(3)
            save_file(need_module("timm").create_model("test_resnet").state_dict(), file)
        photos = make_data_set({f"{number}.jpg": ("dog", "cat")[number % 2] for number in range(20)})
        config = TrainConfig.model_validate(
            {
                "name": "mine",
                "data": [{"name": "mine", "csv": str(photos)}],
                "backbone": {"architecture": "test_resnet", "init": str(file), "image_size": 32},
                "augment": {"resize": 32},
                "vocabulary": {"taxonomy": "none"},
                "workers": 0,
                "batch_size": 4,
                **changes,
            }
        )
        return need_module("vectortag.train.prepare").prepare(config)

    return prepare


def test_a_head_and_batches_fit_each_other(start, torch):
    prepared = start(freeze="stages")

    training, validation = prepared.loaders()
    module = prepared.module()

    inputs, targets = next(iter(training))
    assert module(inputs).shape == targets.shape == (4, 2)
    assert sum(len(targets) for _, targets in validation) == len(prepared.data.validation.records)


def test_each_new_head_is_the_same(start, torch):
    prepared = start(freeze="backbone")

    first, second = (prepared.new_head().state_dict() for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_notebooks_see_the_signature_of_train(torch):
    assert list(inspect.signature(vt.train).parameters)[:3] == ["config", "output", "callbacks"]

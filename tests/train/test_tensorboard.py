"""What TensorBoard shows of a training besides its curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vectortag.data.records import Record
from vectortag.data.training import Part
from vectortag.model.history import Epoch
from vectortag.train.config import DataConfig, TrainConfig


def test_tensorboard_has_settings_photos_and_how_average_precision_is_spread(train, configured, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = train(configured(epochs=2, freeze="backbone"), tmp_path)

    events = EventAccumulator(
        str(tmp_path / "shapes.run" / "tensorboard"), size_guidance={"images": 0, "histograms": 0}
    )
    events.Reload()
    tags = events.Tags()
    assert len(tags["images"]) == 16
    assert {name.partition(": ")[2] for name in tags["images"]} >= {"circle", "square", "no tag"}
    assert len(events.Histograms("average precision of each tag")) == 2
    (best,) = events.Scalars("hp/val_map")
    assert best.value == pytest.approx(max(epoch.val_map for epoch in folder.history))
    settings = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"loss.kind" in settings


CONFIG = TrainConfig.model_validate(
    {"name": "mine", "data": [DataConfig(name="photos", csv="x")], "loss": {"kind": "focal"}, "unfreeze_at": [1, 3]}
)


@pytest.fixture
def notes(torch: Any, need_module: Callable[[str], ModuleType], make_photo: Callable[..., Path]) -> Any:
    """Of three photos, with a dog and the sea, with nothing, and broken."""
    photos = [make_photo(f"{number}.png", seed=number) for number in range(3)]
    photos[2].write_text("no photo")
    records = tuple(Record(photo, (), row, None, "photos") for row, photo in enumerate(photos))
    part = Part(records, np.uint8([[1, 1, 0], [0, 0, 255], [1, 0, 0]]))
    return need_module("vectortag.train.tensorboard").TensorBoardNotes(CONFIG, ("dog", "sea", "boat"), part)


@pytest.fixture
def board(need_module: Callable[[str], ModuleType]) -> Any:
    """A logger of TensorBoard that keeps what it is given: `images`, `histograms`, `settings`."""

    class Board(need_module("lightning.pytorch.loggers").TensorBoardLogger):
        def __init__(self) -> None:
            self.images: list[str] = []
            self.histograms: list[tuple[list[float], int]] = []
            self.settings: list[tuple[dict[str, Any], dict[str, float]]] = []

        @property
        def experiment(self) -> Any:
            return self

        def add_image(self, name: str, pixels: np.ndarray, dataformats: str) -> None:
            assert (pixels.shape, pixels.dtype, dataformats) == ((224, 224, 3), np.uint8, "HWC")
            self.images.append(name.partition(": ")[2])

        def add_histogram(self, name: str, values: np.ndarray, step: int) -> None:
            assert name == "average precision of each tag"
            self.histograms.append((values.tolist(), step))

        def log_hyperparams(self, params: dict[str, Any], metrics: dict[str, float]) -> None:
            self.settings.append((params, metrics))

    return Board()


def trainer(board: Any, **state: Any) -> SimpleNamespace:
    """As much of a trainer as the notes read."""
    return SimpleNamespace(
        **{"current_epoch": 0, "global_step": 7, "is_global_zero": True, "loggers": [object(), board], **state}
    )


def test_photos_are_shown_with_their_tags_and_a_broken_one_stops_nothing(notes, board):
    notes.on_train_start(trainer(board), None)

    assert sorted(board.images) == ["dog, sea", "no tag"]


@pytest.mark.parametrize("state", [{"current_epoch": 1}, {"is_global_zero": False}, {"loggers": []}])
def test_a_resumed_training_and_any_but_the_first_process_show_none(notes, board, state):
    notes.on_train_start(trainer(board, **state), None)

    assert board.images == []


def test_the_histogram_is_of_the_tags_that_have_a_precision(notes, board):
    notes.on_train_epoch_end(trainer(board), SimpleNamespace(precisions=np.array([0.5, math.nan, 0.75])))
    notes.on_train_epoch_end(trainer(board), SimpleNamespace(precisions=np.array([math.nan])))

    assert board.histograms == [([0.5, 0.75], 7)]


def test_settings_go_by_their_paths_beside_the_best_figure(notes, board):
    def epoch(val_map: float) -> Epoch:
        return Epoch(train_loss=1.0, val_loss=1.0, val_map=val_map, val_f1=0.5)

    notes.on_train_end(trainer(board), SimpleNamespace(epochs=[epoch(0.25), epoch(0.75), epoch(math.nan)]))

    ((settings, figures),) = board.settings
    assert figures == {"hp/val_map": 0.75}
    assert (settings["name"], settings["loss.kind"], settings["unfreeze_at"]) == ("mine", "focal", "[1, 3]")
    assert not any(isinstance(value, dict | list) for value in settings.values())

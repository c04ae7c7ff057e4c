"""A training that is killed, stopped or cannot go on: what it leaves, and what it goes on to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from trainings import (
    CTRL_C_HANDLER,
    CTRL_C_IN_EPOCH_2,
    FULL_DISK,
    KILLED_IN_EPOCH_3,
    TRAIN,
    WORKERS_ARE_NOT_KEPT,
    Ended,
    logs_of,
    run_python,
)

from vectortag.core.errors import TrainingError
from vectortag.train.config import DataConfig, TrainConfig


@pytest.fixture(scope="session")
def unbroken() -> dict[str, Any]:
    """The result of one training by what it was trained with: filled by the first test that needs it."""
    return {}


@pytest.mark.parametrize(
    ("workers", "before"),
    [(0, ""), pytest.param(1, "", marks=pytest.mark.long), (2, ""), (2, WORKERS_ARE_NOT_KEPT)],
    ids=["0 workers", "1 worker", "2 workers", "2 new workers each epoch"],
)
def test_a_training_that_was_killed_goes_on_to_the_same_result(train, configured, tmp_path, unbroken, workers, before):
    settings = {"accumulate": 3, "ema": 0.9}
    file = configured(workers=workers, **settings)
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=before + KILLED_IN_EPOCH_3)
    assert not (tmp_path / "broken" / "shapes").exists()  # nothing that looks like a model

    folder = train(file, tmp_path / "broken", before=before, resume=True)

    if not unbroken:
        unbroken["model"] = train(configured(**settings), tmp_path / "whole")
        unbroken["logs"] = logs_of(tmp_path / "whole" / "shapes.run")
    one, other = folder.manifest.files, unbroken["model"].manifest.files
    assert one["head.safetensors"] == other["head.safetensors"]
    assert one["model.onnx"] == other["model.onnx"]
    assert folder.history == unbroken["model"].history
    assert logs_of(tmp_path / "broken" / "shapes.run") == unbroken["logs"]


KILLED_AS_EPOCH_3_IS_SAVED = """
    import os, signal
    from lightning.pytorch.trainer.connectors.logger_connector.logger_connector import _LoggerConnector
    logs = _LoggerConnector.update_train_epoch_metrics
    def kill(self):
        if self.trainer.current_epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        logs(self)
    _LoggerConnector.update_train_epoch_metrics = kill
"""
"""Between the checkpoint of the third epoch and its figures in the logs."""


def test_the_logs_have_an_epoch_that_was_saved_and_not_yet_logged(train, configured, tmp_path):
    file = configured(freeze="backbone")
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=KILLED_AS_EPOCH_3_IS_SAVED)

    train(file, tmp_path / "broken", resume=True)

    train(file, tmp_path / "whole")
    assert logs_of(tmp_path / "broken" / "shapes.run") == logs_of(tmp_path / "whole" / "shapes.run")


def test_the_last_epoch_can_be_resumed_though_it_was_no_better(train, trained, configured, tmp_path, torch):
    worse = {"monitor": "val_map", "freeze": "backbone", "schedule.patience": 0}
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(configured(**worse), tmp_path, before=KILLED_IN_EPOCH_3)
    assert torch.load(tmp_path / "shapes.run" / "last.ckpt", weights_only=True)["epoch"] == 1

    folder = train(configured(**worse), tmp_path, resume=True)

    whole = trained(**worse)
    rates = [epoch.learning_rate for epoch in whole.history]
    assert rates[2] < rates[0]  # the plateau had lowered it when the training was killed
    assert folder.history == whole.history
    assert folder.manifest.files["head.safetensors"] == whole.manifest.files["head.safetensors"]


def test_the_best_epoch_is_kept(trained):
    folder = trained(epochs=12)

    losses = [epoch["val_loss"] for epoch in folder.manifest.provenance["epochs"]]
    assert folder.manifest.provenance["best_epoch"] == 1 + losses.index(min(losses))


def test_a_loss_that_is_no_number_ends_the_training(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*the loss is .*Lower learning_rate"):
        train(configured(learning_rate=1e30), tmp_path)

    assert not (tmp_path / "shapes").exists()


def test_ctrl_c_leaves_what_can_be_resumed(train, configured, tmp_path):
    file = configured(epochs=2)

    with pytest.raises(Ended, match="KeyboardInterrupt"):
        train(file, tmp_path, before=CTRL_C_IN_EPOCH_2)
    assert not (tmp_path / "shapes").exists()

    assert len(train(file, tmp_path, resume=True).manifest.provenance["epochs"]) == 2


def test_ctrl_c_still_works_after_a_training_was_stopped_by_it(configured, tmp_path):
    imports = TRAIN[: TRAIN.index("    train(")]

    done = run_python(CTRL_C_IN_EPOCH_2 + imports + CTRL_C_HANDLER, configured(), tmp_path)

    assert done.stdout == "True\n", done.stderr


def test_a_full_disk_ends_in_a_clear_error(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*No space left on device"):
        train(configured(epochs=1), tmp_path, before=FULL_DISK)
    assert not (tmp_path / "shapes").exists()


def test_there_must_be_something_to_resume(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*Start without --resume"):
        train(configured(), tmp_path, resume=True)


def test_batches_of_one_photo_cannot_be_normalised(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: a batch of one photo cannot be normalised\. Set batch_size to 2"):
        train(configured(batch_size=1, epochs=1, freeze="backbone", **{"head.standardise": True}), tmp_path)


@pytest.fixture
def engine(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.engine")


OF_A_WORKER = TrainingError(
    'Caught TrainingError in DataLoader worker process 0.\nOriginal Traceback:\n  File "x.py"\n'
    "vectortag.core.errors.TrainingError: a.jpg: not a photo. Fix it"
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FloatingPointError("epoch 1: the loss is nan"), "epoch 1: the loss is nan. Lower learning_rate"),
        (TrainingError("a.jpg: not a photo"), "a.jpg: not a photo"),
        (OF_A_WORKER, "a.jpg: not a photo. Fix it"),
        (MemoryError(), "the memory is full. Lower batch_size or backbone.image_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "the memory is full. Lower batch_size"),
        (ValueError("Expected more than 1 value per channel when training"), "Set batch_size to 2 or more"),
        (OSError(28, "No space left on device"), "mine.run: cannot be written: No space left on device"),
    ],
)
def test_what_torch_says_is_said_in_words_that_help(engine: Any, error: Exception, message: str):
    with pytest.raises(TrainingError) as caught, engine.explained(Path("mine.run")):
        raise error

    assert message in str(caught.value)
    assert "Caught" not in str(caught.value)


@pytest.mark.parametrize("error", [ValueError("another"), RuntimeError("another"), OSError("a logger's server")])
def test_any_other_error_stays_as_it_is(engine: Any, error: Exception):
    with pytest.raises(type(error)) as caught, engine.explained(Path("mine.run")):
        raise error

    assert caught.value is error


def test_an_exit_of_lightning_is_ctrl_c_and_the_next_one_works(engine: Any):
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as Lightning leaves it
        with pytest.raises(KeyboardInterrupt), engine.explained(Path("mine.run")):
            raise SystemExit(1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("fields", "precision"),
    [
        ({"precision": "bf16"}, "bf16-mixed"),
        ({"precision": "float32"}, "32-true"),
        ({"precision": "auto", "freeze": "backbone"}, "32-true"),  # embeddings that are computed already
    ],
)
def test_numbers_are_as_exact_as_the_configuration_says(
    engine: Any, tmp_path: Path, fields: dict[str, Any], precision: str
):
    config = TrainConfig(name="mine", data=(DataConfig(name="photos", csv="x"),), epochs=3, accumulate=2, **fields)

    with engine.quiet():
        trainer = engine.trainer_of(config, tmp_path, [], [])

    assert (trainer.precision, trainer.max_epochs, trainer.accumulate_grad_batches) == (precision, 3, 2)
    assert trainer.world_size == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_cannot_write_says_nothing_and_any_other_error_of_one_is_said(
    engine: Any, monkeypatch: pytest.MonkeyPatch
):
    said: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda problem: said.append(problem.exc_type))

    def fail(error: Exception) -> None:
        raise error

    with engine.quiet():
        for error in (OSError(28, "No space left on device"), ValueError("a mistake")):
            thread = threading.Thread(target=fail, args=(error,))
            thread.start()
            thread.join()

    assert said == [ValueError]

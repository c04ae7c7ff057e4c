"""The run folder of a training: what is replaced, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import ConfigError
from vectortag.train.run import LAST, LOGS, TENSORBOARD, alone_in, check_free, forget


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with all that a training leaves."""
    folder = tmp_path / "mine.run"
    for name in (LAST, "best.ckpt", "backbone.safetensors", f"{LOGS}/metrics.csv", f"{TENSORBOARD}/events.1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder, which is empty."""
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def test_a_second_training_does_not_replace_a_model(model: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"of that name already\. Choose another name, or pass --overwrite"):
        check_free(model, tmp_path / "mine.run", resume=False, overwrite=False)


def test_nor_a_training_that_can_be_resumed(run: Path, tmp_path: Path):
    with pytest.raises(
        ConfigError, match=r"not finished\. Pass --resume to continue it, or --overwrite to start again"
    ):
        check_free(tmp_path / "mine", run, resume=False, overwrite=False)


@pytest.mark.parametrize("option", ["resume", "overwrite"])
def test_unless_it_was_asked_for(run: Path, model: Path, option: str):
    check_free(model, run, **{"resume": False, "overwrite": False, option: True})


def test_a_run_that_finished_no_epoch_is_free(run: Path, tmp_path: Path):
    (run / LAST).unlink()

    check_free(tmp_path / "mine", run, resume=False, overwrite=False)


def test_a_new_training_forgets_the_logs_and_keeps_the_weights_that_it_may_start_from(run: Path):
    forget(run)

    assert sorted(file.name for file in run.iterdir()) == ["backbone.safetensors", "best.ckpt"]


def test_a_run_folder_has_one_training_at_a_time(tmp_path: Path):
    with (
        alone_in(tmp_path / "mine.run"),
        pytest.raises(ConfigError, match=r"another process trains there\. Wait for it, or choose another name"),
        alone_in(tmp_path / "mine.run"),
    ):
        pass

    with alone_in(tmp_path / "mine.run"):  # the lock ends with its block
        assert (tmp_path / "mine.run").is_dir()

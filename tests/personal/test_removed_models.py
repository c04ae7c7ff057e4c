"""Removing a model of the user's own: what goes with it, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import OverwriteError, UnknownModelError
from vectortag.core.folders import report_folder
from vectortag.model.folder import ModelFolder
from vectortag.model.registry import DEFAULT_MODEL, shipped_models
from vectortag.personal.added_tags import folder_of
from vectortag.personal.corrected_rows import refits_file
from vectortag.personal.corrections import corrections_file
from vectortag.personal.removed_models import remove_model


@pytest.fixture
def mine(home: Path, write_tiny_model: Callable[..., Any]) -> ModelFolder:
    """A model of the user's own with a report, a learnt file, an added tag, and corrections beside it."""
    model: ModelFolder = write_tiny_model(home / "models/mine", name="mine")
    for file in (report_folder("mine") / "README.md", refits_file(model), folder_of(model) / "boat.safetensors"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"made")
    corrections_file().write_bytes(b"corrections")
    return model


def test_the_model_its_report_and_what_it_learnt_go_and_added_tags_stay(mine: ModelFolder):
    done = remove_model("mine")

    assert done.removed == (mine.path, report_folder("mine"), refits_file(mine))
    assert not any(path.exists() for path in done.removed)
    assert done.kept == folder_of(mine)
    assert (folder_of(mine) / "boat.safetensors").read_bytes() == b"made"
    assert corrections_file().read_bytes() == b"corrections"


def test_added_tags_go_where_that_is_asked_for(mine: ModelFolder):
    done = remove_model("mine", added_tags=True)

    assert folder_of(mine) in done.removed
    assert done.kept is None
    assert not folder_of(mine).exists()


def test_what_a_copy_of_the_model_needs_stays(mine: ModelFolder, write_tiny_model: Callable[..., Any], home: Path):
    write_tiny_model(home / "models/copy", name="mine")

    done = remove_model("mine", added_tags=True)

    assert done.removed == (mine.path, report_folder("mine"))
    assert refits_file(mine).exists()
    assert (folder_of(mine) / "boat.safetensors").exists()


def test_a_shipped_model_is_refused():
    before = list(shipped_models())

    with pytest.raises(UnknownModelError, match=f'"{DEFAULT_MODEL}" comes with VectorTag and is not removed'):
        remove_model(DEFAULT_MODEL)
    assert list(shipped_models()) == before


@pytest.mark.parametrize("name", ["min", "../models/mine", "", "."])
def test_a_name_that_is_no_model_is_refused(mine: ModelFolder, name: str):
    with pytest.raises(UnknownModelError, match="you have no model"):
        remove_model(name)
    assert mine.path.is_dir()


def test_a_folder_with_somebody_s_work_is_refused(mine: ModelFolder):
    (mine.path / "photos").mkdir()

    with pytest.raises(OverwriteError, match="mine: holds photos, which is no part of a model"):
        remove_model("mine")
    assert mine.path.is_dir()


def test_a_broken_model_can_be_removed(mine: ModelFolder):
    (mine.path / "head.safetensors").write_bytes(b"broken")

    assert mine.path in remove_model("mine").removed
    assert (folder_of(mine) / "boat.safetensors").exists()


def test_of_a_link_only_the_link_goes(mine: ModelFolder, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    mine.path.rename(elsewhere)
    mine.path.symlink_to(elsewhere, target_is_directory=True)

    remove_model("mine")

    assert not mine.path.is_symlink()
    assert (elsewhere / "manifest.json").is_file()

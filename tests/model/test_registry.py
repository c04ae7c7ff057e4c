"""A model is found by its name, the user's own before the shipped ones, or by its path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vectortag.core.errors import ModelFolderError, UnknownModelError
from vectortag.model import registry
from vectortag.model.registry import DEFAULT_MODEL, find_model_folder, model_folders


@pytest.fixture
def own(home: Path, tiny_model: Path) -> Path:
    return shutil.copytree(tiny_model, home / "models/mine")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package's own `models`."""
    monkeypatch.setattr(registry, "PACKAGE", tmp_path / "vectortag")
    return tmp_path / "vectortag/models"


def test_a_model_is_found_by_its_path(tiny_model: Path):
    assert find_model_folder(tiny_model).path == tiny_model
    assert find_model_folder(str(tiny_model)).path == tiny_model


def test_a_model_is_found_by_its_name(own: Path):
    assert find_model_folder("mine").path == own


def test_without_a_name_the_default_model_is_found(shipped: Path, tiny_model: Path):
    shutil.copytree(tiny_model, shipped / "another")
    shutil.copytree(tiny_model, shipped / DEFAULT_MODEL)

    assert find_model_folder().path == shipped / DEFAULT_MODEL


def test_the_users_model_comes_before_the_shipped_one_of_its_name(own: Path, shipped: Path, tiny_model: Path):
    for name in ("mine", "another"):
        shutil.copytree(tiny_model, shipped / name)

    assert list(model_folders()) == [own, shipped / "another", shipped / "mine"]
    assert find_model_folder("mine").path == own


def test_what_is_no_model_folder_is_not_listed(own: Path, shipped: Path):
    (own.parent / "empty").mkdir()
    (own.parent / "notes.txt").touch()

    assert list(model_folders()) == [own]


def test_an_unknown_name_is_an_error_with_the_nearest_one(own: Path, shipped: Path):
    with pytest.raises(UnknownModelError, match=r'no model "mime".*Did you mean "mine"\? Known models: mine\.'):
        find_model_folder("mime")


def test_without_any_model_the_error_says_so(shipped: Path):
    with pytest.raises(UnknownModelError, match="Known models: none"):
        find_model_folder()


def test_a_model_that_was_changed_is_refused_by_name_too(own: Path):
    (own / "model.onnx").write_bytes(b"changed")

    with pytest.raises(ModelFolderError, match=r"model\.onnx: changed"):
        find_model_folder("mine")

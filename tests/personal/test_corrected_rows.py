"""Refits are stored beside the model, under its hash, and read back or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vectortag.core.errors import CorrectionError, ModelFolderError
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.personal.corrected_rows import Refit, read_refits, refits_file, save_refits

REFITS = (
    Refit("dog", np.float32([0.5, -1, 2]), 0.25, 3),
    Refit("sea", np.float32([1, 0]), -1.5, 1),
)


@pytest.fixture
def model(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_what_was_saved_is_read_in_its_order(model: ModelFolder):
    save_refits(model, REFITS)

    found = read_refits(model)

    assert [(one.tag, one.b, one.corrections) for one in found] == [("dog", 0.25, 3), ("sea", -1.5, 1)]
    for one, saved in zip(found, REFITS, strict=True):
        np.testing.assert_array_equal(one.w, saved.w)


def test_without_a_file_there_are_none(model: ModelFolder):
    assert read_refits(model) == ()


def test_saving_none_removes_the_file(model: ModelFolder):
    save_refits(model, REFITS)

    save_refits(model, ())

    assert not refits_file(model).exists()
    save_refits(model, ())  # nor does it fail where there is none


def test_another_model_has_its_own(model: ModelFolder, write_tiny_model, tmp_path: Path):
    save_refits(model, REFITS)

    assert read_refits(write_tiny_model(tmp_path / "other", name="other")) == ()


def test_another_version_is_refused(model: ModelFolder):
    refits_file(model).parent.mkdir(parents=True)
    save_file({"0": np.zeros(1)}, refits_file(model), {"refits": json.dumps({"format_version": 2, "tags": []})})

    with pytest.raises(ModelFolderError, match=r"another version of VectorTag\. Run: vectortag refresh"):
        read_refits(model)


def test_a_broken_file_is_refused(model: ModelFolder):
    refits_file(model).parent.mkdir(parents=True)
    refits_file(model).write_bytes(b"broken")

    with pytest.raises(ModelFolderError, match=r"cannot be read: .* Remove it, then run: vectortag refresh"):
        read_refits(model)


def test_a_data_folder_that_cannot_be_written_is_an_error(model: ModelFolder, home: Path):
    (home / "refits").touch()

    with pytest.raises(CorrectionError, match="cannot be written"):
        save_refits(model, REFITS)

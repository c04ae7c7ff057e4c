"""Refits are stored beside the model, under its hash, and read back or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vectortag.core.errors import CorrectionError
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.personal.corrected_rows import Refit, read_refits, refits_file, save_refits

REFITS = (
    Refit("dog", np.linspace(-1, 2, 16, dtype=np.float32), 0.25, 3),  # as wide as the hidden layer
    Refit("boat", np.linspace(0, 1, 8, dtype=np.float32), -1.5, 1),  # as the embedding
)


@pytest.fixture
def model(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_what_was_saved_is_read_in_its_order(model: ModelFolder):
    save_refits(model, REFITS)

    found = read_refits(model)

    assert [(one.tag, one.b, one.corrections) for one in found] == [("dog", 0.25, 3), ("boat", -1.5, 1)]
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


def test_another_version_is_left_alone_and_named(model: ModelFolder, caplog: pytest.LogCaptureFixture):
    refits_file(model).parent.mkdir(parents=True)
    save_file({"0": np.zeros(1)}, refits_file(model), {"refits": json.dumps({"format_version": 2, "tags": []})})

    assert read_refits(model) == ()
    assert f"{refits_file(model)}: cannot be read" in caplog.text
    assert refits_file(model).is_file()


@pytest.mark.parametrize("content", [b"broken", b""])
def test_a_broken_file_is_left_alone_and_named(model: ModelFolder, caplog: pytest.LogCaptureFixture, content: bytes):
    refits_file(model).parent.mkdir(parents=True)
    refits_file(model).write_bytes(content)

    assert read_refits(model) == ()
    assert "what corrections have taught is left out" in caplog.text
    assert refits_file(model).read_bytes() == content


def test_a_row_that_does_not_fit_the_model_leaves_all_out(model: ModelFolder, caplog: pytest.LogCaptureFixture):
    save_refits(model, [Refit("dog", np.zeros(3, np.float32), 0.0, 1)])

    assert read_refits(model) == ()
    assert '"dog": expected 16 finite weights' in caplog.text


def test_a_data_folder_that_cannot_be_written_is_an_error(model: ModelFolder, home: Path):
    (home / "refits").touch()

    with pytest.raises(CorrectionError, match="cannot be written"):
        save_refits(model, REFITS)

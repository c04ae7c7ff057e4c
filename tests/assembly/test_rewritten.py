"""A model that is written again replaces no other one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vectortag.assembly.rewritten import check_rewritten
from vectortag.core.errors import OverwriteError
from vectortag.model.folder import INT8_NETWORK, WORDS, ModelFolder, read_model_folder
from vectortag.model.write_folder import rewrite_model_folder


@pytest.fixture
def folder(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_a_new_place_and_its_own_are_allowed(folder: ModelFolder, tmp_path: Path):
    for place in (tmp_path / "new", folder.path):
        check_rewritten(folder, place, anew={INT8_NETWORK})


def test_so_is_what_the_same_command_wrote_before(folder: ModelFolder, tmp_path: Path):
    rewrite_model_folder(
        folder, tmp_path / "fast", int8_network=folder.network.read_bytes(), words=None, card=lambda _: "x"
    )

    check_rewritten(folder, tmp_path / "fast", anew={INT8_NETWORK})


def test_another_model_is_not(folder: ModelFolder, worded: ModelFolder):
    with pytest.raises(OverwriteError, match=r"worded: is another model, with another classifier.safetensors"):
        check_rewritten(folder, worded.path, anew={WORDS})


def test_nor_is_a_folder_of_something_else(folder: ModelFolder, tmp_path: Path):
    shutil.copy(folder.path / "head.safetensors", tmp_path / "mine.txt")

    with pytest.raises(OverwriteError, match="is no part of a model folder"):
        check_rewritten(folder, tmp_path, anew={WORDS})

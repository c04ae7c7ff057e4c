"""Which model and encoder a library is updated with: those that are named, or those of the last time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tiny_encoder import write_encoder

from vectortag.core.errors import LibraryError, ModelFolderError, UnknownModelError
from vectortag.library.chosen_networks import choose_encoder, choose_model
from vectortag.model.folder import read_model_folder


class Settings(dict[str, Any]):
    """Settings as a library keeps them."""

    def setting(self, key: str, default: Any = None) -> Any:
        return self.get(key, default)

    def change_setting(self, key: str, value: Any) -> None:
        self[key] = value
        if value is None:
            del self[key]


class TestModel:
    def test_what_is_named_is_kept_with_its_whole_path(self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
        settings = Settings()
        monkeypatch.chdir(tiny_model.parent)

        loaded = choose_model(settings, tiny_model.name, "precise")

        assert loaded.digest == read_model_folder(tiny_model).digest
        assert settings == {"model": str(tiny_model), "profile": "precise"}

    def test_without_a_name_it_is_that_of_the_last_time(self, tiny_model: Path):
        settings = Settings(model=str(tiny_model))

        assert choose_model(settings, None, None).digest == read_model_folder(tiny_model).digest
        assert settings == {"model": str(tiny_model)}

    def test_one_of_the_last_time_that_is_gone_is_told_with_the_way_out(self, tmp_path: Path):
        with pytest.raises(LibraryError, match=r"(?s)gone.*updated with it. Name another one with --model"):
            choose_model(Settings(model=str(tmp_path / "gone")), None, None)

    def test_a_name_that_is_wrong_changes_nothing(self, tmp_path: Path):
        settings = Settings(model="lite2")

        with pytest.raises(UnknownModelError):
            choose_model(settings, tmp_path / "gone", "precise")
        assert settings == {"model": "lite2"}


class TestEncoder:
    @pytest.fixture
    def encoder(self, need_module: Callable[[str], ModuleType], tmp_path: Path) -> Path:
        for module in ("onnx", "tokenizers"):
            need_module(module)
        return write_encoder(tmp_path / "encoder")

    def test_what_is_named_is_kept_until_it_is_forgotten(self, encoder: Path):
        settings = Settings()

        named, again = choose_encoder(settings, encoder), choose_encoder(settings, None)

        assert named is not None
        assert again is not None
        assert named.digest == again.digest
        settings["encoder_row"] = 2
        assert choose_encoder(settings, False) is None
        assert settings == {}

    def test_without_one_there_is_none(self):
        assert choose_encoder(Settings(), None) is None

    def test_one_of_the_last_time_that_is_gone_is_told_with_the_way_out(self, encoder: Path):
        settings = Settings()
        choose_encoder(settings, encoder)
        shutil.rmtree(encoder)

        with pytest.raises(LibraryError, match="--no-encoder"):
            choose_encoder(settings, None)

    def test_a_folder_that_is_no_encoder_is_refused_and_not_kept(self, tmp_path: Path):
        settings = Settings()

        with pytest.raises(ModelFolderError):
            choose_encoder(settings, tmp_path)
        assert settings == {}

"""Models that are loaded once for all sessions, the first of them before anybody asks."""

from __future__ import annotations

import pytest

from vectortag.apps.ui.loaded_models import LoadedModels
from vectortag.core.errors import ModelFolderError
from vectortag.model.folder import read_model_folder


class TestLoadedModels:
    def test_each_model_is_loaded_once(self, tiny_model, two_sizes):
        models = LoadedModels()

        one, again, other = (models.get(read_model_folder(path)) for path in (tiny_model, tiny_model, two_sizes.path))

        assert one is again
        assert one is not other

    def test_a_model_that_is_loaded_ahead_is_the_one_that_sessions_get(self, tiny_model, content, passes):
        models, folder = LoadedModels(), read_model_folder(tiny_model)

        models.load_ahead(lambda: folder)
        models.load_ahead(lambda: folder)
        models.wait()

        compiled = passes.count
        assert compiled >= 3  # alone, at the size of fine heat maps, and among others
        models.get(folder).feature_map(content())
        assert passes.count == compiled + 1

    def test_a_model_that_cannot_be_loaded_is_told_to_those_who_ask_for_it(
        self, write_tiny_model, tmp_path, monkeypatch
    ):
        def fail(folder):
            raise ModelFolderError("it cannot be loaded")

        monkeypatch.setattr("vectortag.apps.ui.loaded_models.LoadedModel", fail)
        models, folder = LoadedModels(), write_tiny_model(tmp_path / "model")

        models.load_ahead(lambda: folder)
        models.wait()

        with pytest.raises(ModelFolderError, match="cannot be loaded"):
            models.get(folder)

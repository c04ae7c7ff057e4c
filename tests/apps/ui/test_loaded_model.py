"""A model that all sessions share, and the model folders to choose from."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image, ImageOps

from vectortag.apps.ui.loaded_model import LoadedModel, find_model_paths
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.core.errors import ModelFolderError
from vectortag.model.folder import read_model_folder
from vectortag.model.registry import DEFAULT_MODEL


class TestLoadedModel:
    def test_passes_of_several_visitors_run_one_after_the_other(self, model, content, passes):
        threads = [threading.Thread(target=model.feature_map, args=(content(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (passes.count, passes.most) == (4, 1)

    def test_a_tag_that_is_added_leaves_the_tagger_that_others_hold_as_it_was(self, model, content):
        held = model.tagger()

        with model.changing() as own:
            own.add_tag("boat house", [content(n) for n in range(3)])

        assert "boat house" not in held.tags
        assert "boat house" in model.tagger().tags
        assert model.tagger() is model.tagger()

    def test_an_analysis_knows_a_tag_that_was_added_since_without_a_new_pass(self, model, content, passes):
        photos = SessionPhotos()
        photo = photos.add("a.png", content())
        photos.analyse(photo, model)

        with model.changing() as own:
            own.add_tag("boat house", [content(n) for n in range(3)])
        seen = passes.count

        assert photos.analyse(photo, model).tagging["boat house"].score > 0
        assert passes.count == seen

    def test_another_inference_mode_is_another_feature_map_and_everything_follows_from_it(self, tiny_model, content):
        class Mirrored(LoadedModel):
            """Looks at the photo and at its mirror image: a grid of twice the width."""

            def feature_map(self, photo, size=None):
                buffer = io.BytesIO()
                ImageOps.mirror(Image.open(io.BytesIO(photo))).save(buffer, "PNG")
                both = [super(Mirrored, self).feature_map(one, size) for one in (photo, buffer.getvalue())]
                return np.concatenate(both, axis=2)

        photos, model = SessionPhotos(), Mirrored(read_model_folder(tiny_model))
        photo = photos.add("a.png", content(3))

        analysis = photos.analyse(photo, model)

        maps = model.feature_map(photo.content)
        (expected,) = model.tagger().scores(maps.mean(axis=(1, 2))[None])
        np.testing.assert_allclose([one.score for one in analysis.tagging.scores], expected, atol=1e-5)
        assert analysis.heatmap("dog").values.shape == maps.shape[1:]

    def test_models_of_a_folder_stand_beside_the_shipped_ones(self, tiny_model, tmp_path):
        found = find_model_paths([tiny_model.parent])

        assert tiny_model in found
        assert found[0].name == DEFAULT_MODEL
        assert find_model_paths([tiny_model]) == found
        with pytest.raises(ModelFolderError, match="no such folder"):
            find_model_paths([tmp_path / "nowhere"])

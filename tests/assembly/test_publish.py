"""A fitted head becomes a model folder whose figures are those of the folder, and a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.assembly.publish import FittedModel, publish_model
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.training import DataOptions, prepare_training_data
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import LinearBlock, in_fp16
from vectortag.model.history import Epoch, Learning
from vectortag.model.taxonomy import load_taxonomy

WIDTH = 8


@pytest.fixture
def fitted(tagger: Tagger, make_data_set) -> FittedModel:
    """Random weights for three tags of forty photos, at two input sizes."""
    words = {f"{number}.png": ["dog"] * (number % 2) + ["sea" if number % 3 else "boat"] for number in range(40)}
    photos = read_tagged_photos(make_data_set({name: ", ".join(of) for name, of in words.items()}))
    data = prepare_training_data([photos], load_taxonomy("none"), DataOptions(top_k=None, validation=0.5))
    random = np.random.default_rng(0)
    paths = [record.path for record in data.validation.records]
    validation = {size: np.stack([one for _, one in tagger.embedder.at(size).embed_many(paths)]) for size in (64, 32)}
    return FittedModel(
        network=tagger.folder.network.read_bytes(),
        embedder=tagger.embedder,
        backbone=tagger.folder.manifest.backbone,
        classifier=None,
        block=LinearBlock(
            random.normal(0, 1, (3, WIDTH)).astype(np.float32), random.normal(0, 1, 3).astype(np.float32)
        ),
        data=data,
        background=random.normal(0, 1, (20, WIDTH)).astype(np.float32),
        validation=validation,
        seed=1,
        learning=Learning((Epoch(0.5, 0.6, 0.2),), best=0),
        provenance={"config": {"seed": 1}},
    )


def test_the_default_size_comes_first(fitted: FittedModel):
    assert fitted.sizes == [32, 64]


def test_the_folder_holds_the_head_in_fp16_and_all_that_it_was_given(need_module, fitted: FittedModel, tmp_path: Path):
    need_module("matplotlib")

    folder = publish_model(tmp_path / "mine", fitted, report=tmp_path / "report")

    (block,) = folder.head.blocks
    np.testing.assert_array_equal(block.w, in_fp16(fitted.block.w))
    np.testing.assert_array_equal(block.b, fitted.block.b)
    manifest = folder.manifest
    assert (manifest.name, manifest.tags, manifest.sizes) == ("mine", fitted.data.tags, (32, 64))
    assert manifest.provenance == {"config": {"seed": 1}}
    assert len(folder.background) == 20
    assert "# How mine was trained" in (tmp_path / "report" / "README.md").read_text("utf-8")


def test_the_figures_are_those_of_the_folder(need_module, fitted: FittedModel, tmp_path: Path):
    metrics = need_module("sklearn.metrics")
    need_module("matplotlib")

    folder = publish_model(tmp_path / "mine", fitted, report=tmp_path / "report")

    paths = [record.path for record in fitted.data.validation.records]
    scores = [[one.score for one in tagging.scores] for tagging in Tagger.load(folder).tag_many(paths)]
    expected = metrics.average_precision_score(fitted.data.validation.targets, scores, average="macro")
    (figures,) = (of for name, of in folder.manifest.metrics.items() if name == "photos")
    assert figures["map"] == pytest.approx(expected, abs=1e-3)
    assert {"cross_fitted", "per_tag", "reliability", "sizes"} <= folder.manifest.metrics.keys()
    assert list(folder.manifest.metrics["sizes"]) == ["64"]

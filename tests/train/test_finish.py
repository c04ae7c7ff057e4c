"""What a training leaves: a model folder whose figures and curves are those of the exported network."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from trainings import SIZE

from vectortag.core.git_commit import git_commit
from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.tagger import Tagger


def test_a_trained_model_remembers_what_made_it_and_of_what(trained):
    provenance = trained(architecture="test_resnet", freeze="backbone", epochs=2).manifest.provenance

    assert provenance["timm"] == version("timm")
    assert provenance["torch"].partition("+")[0] == version("torch").partition("+")[0]
    assert list(provenance["data"]) == ["shapes"]
    assert re.fullmatch(r"[0-9a-f]{64}", provenance["data"]["shapes"])
    assert provenance.get("git") == git_commit(Path.cwd())


def test_a_trained_model_offers_the_sizes_of_its_configuration(train, configured, shapes, tmp_path):
    folder = train(configured(freeze="backbone", epochs=1, sizes=(96,)), tmp_path)

    assert folder.manifest.sizes == (SIZE, 96)
    tagger = Tagger.load(folder, size=96, precision="exact")
    report = evaluate(tagger, shapes, split="val", dataset="shapes").summary()
    noted = folder.manifest.metrics["sizes"]["96"]["shapes"]
    assert (noted["size"], noted["photos"], noted["map_tags"]) == (96, report["photos"], 2)
    assert (noted["map"], noted["micro_f1"]) == pytest.approx((report["map"], report["micro_f1"]))
    assert "shapes, 96" in (folder.path / "MODEL_CARD.md").read_text()


def test_what_is_remembered_says_nothing_of_this_machine(trained, shapes):
    folder = trained(architecture="test_resnet", freeze="backbone", epochs=2)

    text = (folder.path / "manifest.json").read_text()
    config = json.loads(text)["provenance"]["config"]
    assert str(shapes) not in text
    assert str(folder.path.parent) not in text
    assert config["backbone"]["init"] == "test_resnet.safetensors"
    assert [data["name"] for data in config["data"]] == ["shapes"]
    assert "csv" not in config["data"][0]


def test_embeddings_of_training_photos_are_kept_for_tags_that_come_later(trained, shapes):
    folder = trained(architecture="test_resnet", freeze="backbone", epochs=2)
    embedder = Tagger.load(folder.path, precision="exact").embedder

    photos = np.stack([embedder.embed(embedder.pixels(photo)[None])[0] for photo in shapes.glob("*.png")])
    for row in folder.background:
        assert np.abs(photos - row).max(axis=1).min() < 0.01 * np.abs(row).max() + 1e-3
    assert len(folder.background) == folder.manifest.data_sets[0].train_photos


def test_the_report_is_beside_the_model(trained):
    folder = trained(architecture="test_resnet", freeze="backbone", epochs=2)

    assert (folder.path.with_name("shapes.run") / "report" / "README.md").is_file()

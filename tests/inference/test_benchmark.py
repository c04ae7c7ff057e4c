"""Measuring each way to run a model, in a process of its own."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.inference.benchmark import Candidate, Measured, bench, candidates, pictures
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder, read_model_folder


@pytest.fixture
def folder(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_each_installed_runtime_is_a_candidate_in_float32(folder: ModelFolder, need_module: Callable[[str], Any]):
    need_module("onnxruntime")

    assert candidates(folder) == [Candidate("openvino", "f32"), Candidate("onnxruntime", "f32")]


def test_a_gpu_is_a_candidate_where_its_package_is_installed(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch):
    installed = {"onnxruntime": "1.31", "cuda": "1.31"}
    monkeypatch.setattr("vectortag.inference.benchmark.installed_runtimes", lambda: installed)
    monkeypatch.setattr("vectortag.inference.benchmark.allowed", lambda _: ("f32", "bf16", "int8"))

    assert candidates(folder) == [
        Candidate("onnxruntime", "f32"),
        Candidate("onnxruntime", "int8"),
        Candidate("cuda", "f32"),
    ]


def test_what_is_measured_are_the_taggings_of_the_photos(
    folder: ModelFolder, tagger: Tagger, make_photo: Callable[..., Path]
):
    photos = [make_photo(f"{seed}.jpg", seed=seed) for seed in range(3)]

    for candidate, measured in bench(folder, photos, seconds=0.05):
        assert isinstance(measured, Measured)
        assert measured.candidate == candidate
        assert min(measured.photos_a_second, measured.milliseconds, measured.start) > 0
        expected = [[scored.score for scored in tagging.scores] for tagging in tagger.tag_many(photos)]
        np.testing.assert_allclose(measured.scores, expected, atol=1e-4)


def test_a_candidate_that_crashes_is_named_and_the_others_are_measured(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
):
    run = subprocess.run

    def crashing(*arguments: Any, **options: Any) -> Any:
        if '"onnxruntime"' in options["input"]:
            return subprocess.CompletedProcess(arguments, -11, "", "")
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", crashing)
    monkeypatch.setattr(
        "vectortag.inference.benchmark.candidates", lambda _: [Candidate("onnxruntime", "f32"), OPENVINO]
    )

    results = dict(bench(folder, seconds=0.05))

    assert results[Candidate("onnxruntime", "f32")] == "stopped with exit status -11"
    assert isinstance(results[OPENVINO], Measured)


OPENVINO = Candidate("openvino", "f32")


def test_pictures_are_different_photos():
    made = [Image.open(io.BytesIO(content)) for content in pictures(3)]

    assert [picture.size for picture in made] == [(500, 375)] * 3
    assert len({picture.tobytes() for picture in made}) == 3

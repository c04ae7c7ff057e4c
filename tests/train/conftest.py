"""What tests of training share: a data set of shapes, and models that are trained on it once for all."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from trainings import PHOTOS, RANDOM_WEIGHTS, SIZE, TRAIN, Ended, run_python

from vectortag.data.records import read_data_set
from vectortag.data.training import DataOptions, TrainingData, prepare_training_data
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.taxonomy import Taxonomy


@pytest.fixture
def torch(need_module: Callable[[str], ModuleType]) -> Any:
    for name in ("torchvision", "timm"):
        need_module(name)
    return need_module("torch")


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """metadata.csv of pictures with a red circle, a blue square, both or neither."""
    folder = tmp_path_factory.mktemp("shapes")
    random = np.random.default_rng(0)
    rows = ["image_path,tags"]
    for number in range(PHOTOS):
        image = Image.fromarray(random.integers(0, 60, (72, 72, 3), np.uint8))
        if number % 2:
            ImageDraw.Draw(image).ellipse([8, 8, 36, 36], fill=(250, 60, 60))
        if number % 4 > 1:
            ImageDraw.Draw(image).rectangle([40, 40, 68, 68], fill=(60, 60, 250))
        image.save(folder / f"{number}.png")
        words = ["circle"] * (number % 2) + ["square"] * (number % 4 > 1)
        rows.append(f'{number}.png,"{", ".join(words)}"')
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """weights("test_resnet"): random starting weights of one of timm's smallest networks."""
    for name in ("torch", "timm", "lightning"):
        if importlib.util.find_spec(name) is None and os.environ.get("CI") != "true":
            pytest.skip(f"{name} is not installed")

    @functools.cache
    def save(architecture: str) -> Path:
        file = tmp_path_factory.mktemp("weights") / f"{architecture}.safetensors"
        done = run_python(RANDOM_WEIGHTS, architecture, file)
        assert done.returncode == 0, done.stderr
        return file

    return save


@pytest.fixture(scope="session")
def write_config(shapes: Path, weights: Callable[[str], Path]) -> Callable[..., Path]:
    """write_config(folder, epochs=2): write a configuration for the shapes there."""

    def write(
        folder: Path,
        *,
        csv: Path = shapes,
        architecture: str = "test_resnet",
        init: Path | None = None,
        sizes: Sequence[int] = (),
        vocabulary: Sequence[str] = (),
        **changes: Any,
    ) -> Path:
        fields = {"epochs": 4, "batch_size": 8, "learning_rate": 3e-3, "workers": 0, "precision": "float32", **changes}
        lines = ['name = "shapes"', *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
        lines += ["[backbone]", f'architecture = "{architecture}"', f'init = "{init or weights(architecture)}"']
        lines += [
            f"image_size = {SIZE}",
            f"sizes = {list(sizes)}",
            "[augment]",
            "resize = 72",
            "[vocabulary]",
            *(vocabulary or ['taxonomy = "none"']),
        ]
        lines += ["[[data]]", 'name = "shapes"', f'csv = "{csv}"']
        file = folder / "shapes.toml"
        file.write_text("\n".join(lines) + "\n")
        return file

    return write


@pytest.fixture
def configured(write_config: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """configured(epochs=2): the path of a configuration for the shapes, in the test's folder."""
    return functools.partial(write_config, tmp_path)


@pytest.fixture(scope="session")
def trained(
    write_config: Callable[..., Path], train: Callable[..., ModelFolder], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., ModelFolder]:
    """trained(epochs=2): a model of that configuration, which tests share, with its run folder beside it: read only."""
    done: dict[str, ModelFolder] = {}

    def find(**changes: Any) -> ModelFolder:
        key = json.dumps(changes, sort_keys=True)
        if key not in done:
            folder = tmp_path_factory.mktemp("trained")
            done[key] = train(write_config(folder, **changes), folder)
        return done[key]

    return find


@pytest.fixture(scope="session")
def train() -> Callable[..., ModelFolder]:
    """train(config file, output, before="", resume=False); `before` is code that runs first."""

    def run(file: Path, output: Path, *, before: str = "", resume: bool = False) -> ModelFolder:
        done = run_python(before + TRAIN, file, output, "resume" if resume else "")
        if done.returncode:
            raise Ended(done.returncode, done.stderr.rstrip().rpartition("\n")[2])
        return read_model_folder(output / "shapes")

    return run


@pytest.fixture
def folder(make_data_set: Callable[..., Path]) -> Path:
    """A data set of six photos and two words."""
    return make_data_set({f"{number}.png": "dog, sea" if number % 2 else "sea" for number in range(6)})


@pytest.fixture
def data(folder: Path) -> TrainingData:
    """The same, with two photos for the validation."""
    options = DataOptions(validation=0.34, keep_duplicates_together=False)
    return prepare_training_data([read_data_set(folder)], Taxonomy(), options)

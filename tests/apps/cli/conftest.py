"""A model that knows words, for the commands that use them."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.model.folder import ModelFolder
from vectortag.model.words import text_model

Cli = Callable[..., Any]
THINGS = (
    "cat",
    "dog",
    "boat",
    "sea",
    "horse",
    "tree",
    "house",
    "car",
    "bird",
    "chair",
    "lamp",
    "shoe",
    "train",
    "bread",
)


@pytest.fixture
def things() -> tuple[str, ...]:
    """The words of the photos and their captions."""
    return THINGS


@pytest.fixture
def thirty_photos(make_photo: Callable[..., Path]) -> list[Path]:
    return [make_photo(f"{seed}.png", seed=seed) for seed in range(30)]


@pytest.fixture
def photo_folder(make_photo: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder of three photos: 0.jpg, 1.jpg and 2.jpg."""
    for seed in range(3):
        make_photo(f"photos/{seed}.jpg", seed=seed)
    return tmp_path / "photos"


@pytest.fixture
def photos(photo_folder: Path) -> list[Path]:
    """Three photos."""
    return sorted(photo_folder.iterdir())


@pytest.fixture
def tag(cli: Cli, tiny_model: Path) -> Cli:
    """tag(path, "--top-k", 3): `vectortag tag` with the tiny model."""
    return lambda *arguments: cli("tag", *arguments, "--model", tiny_model)


@pytest.fixture
def library(cli: Cli, photo_folder: Path, tiny_model: Path) -> Cli:
    """library("lists", "--not", "dog"): a command on the user's library, which has the three photos."""
    assert cli("library", "add", photo_folder, "--model", tiny_model).status == 0
    return lambda *arguments: cli("library", *arguments)


@pytest.fixture
def own_model(home: Path, write_tiny_model: Callable[..., Any]) -> Path:
    """A model of the user's own, trained on a set "holiday" with a validation mAP of 0.625."""
    holiday = {"name": "holiday", "train_photos": 1234, "known": ("dog",), "validation": ("0123456789abcdef",)}
    fields = {"name": "mine", "data_sets": [holiday], "metrics": {"holiday": {"map": 0.625}, "cross_fitted": {}}}
    return write_tiny_model(home / "models/mine", **fields).path


@pytest.fixture
def worded(
    cli: Cli,
    need: Callable[..., None],
    write_tiny_model: Callable[..., ModelFolder],
    thirty_photos: list[Path],
    tmp_path: Path,
) -> Path:
    """The tiny model, taught words by the command, from captions of half of the photos and the tags of all."""
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    captions = tmp_path / "captions.csv"
    tagged = {name: tmp_path / name / "metadata.csv" for name in ("first", "second")}
    model = write_tiny_model(tmp_path / "model" / "tiny").path
    with captions.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_path", "caption"])
        for number, photo in enumerate(thirty_photos[:15]):
            writer.writerow([photo, f"a {THINGS[number % 5]} beside a {THINGS[number % 7]}"])
    for name, part in (("first", thirty_photos[:15]), ("second", thirty_photos[15:])):
        tagged[name].parent.mkdir()
        with tagged[name].open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image_path", "tags", "split"])
            for number, photo in enumerate(part[:-1]):
                writer.writerow([photo, ",".join({THINGS[number % 5], THINGS[(number + 1) % 7]}), "train"])
            writer.writerow([part[-1], "cat", "val"])
    done = cli("learn-words", model, *tagged.values(), "--captions", captions)
    assert done.status == 0, done.stderr
    assert done.stdout == f"{model}\n"
    return model

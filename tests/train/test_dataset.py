"""The data sets that a configuration names, and what of its settings reaches them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import ConfigError, DataError
from vectortag.model.taxonomy import load_taxonomy
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import load_training_data

MakeDataSet = Callable[..., Path]
TAXONOMY = '[synonyms]\ndog = ["puppy"]\n[groups]\nreef = ["coral reef"]\n'
CLASSES = ("coral reef",)


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., TrainConfig]:
    """make_config(folder, ..., epochs=3): a configuration for some data sets, with the taxonomy above."""
    (tmp_path / "taxonomy.toml").write_text(TAXONOMY)

    def make(
        *folders: Path, vocabulary: dict[str, Any] | None = None, of_set: dict[str, Any] | None = None, **fields: Any
    ) -> TrainConfig:
        data = [{"name": folder.name, "csv": str(folder), **(of_set or {})} for folder in folders]
        vocabulary = {"taxonomy": str(tmp_path / "taxonomy.toml"), **(vocabulary or {})}
        return TrainConfig.model_validate({"name": "mine", "data": data, "vocabulary": vocabulary, **fields})

    return make


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    """Twenty photos, of which ten have "sun", six "boat", and all "sea"."""
    words = {f"{n:02}.jpg": "sea" + ", sun" * (n % 2) + ", boat" * (n % 3 == 1) for n in range(20)}
    return make_data_set(words)


@pytest.mark.parametrize(
    ("settings", "tags"),
    [
        ({}, ("boat", "sea", "sun")),
        ({"vocabulary": {"top_k": 2}}, ("sea", "sun")),
        ({"vocabulary": {"min_photos": 12}}, ("sea",)),
        ({"vocabulary": {"groups": True}, "freeze": "backbone"}, ("boat", "sea", "sun", "reef")),
        ({"vocabulary": {"taxonomy": "none"}}, ("boat", "sea", "sun")),
    ],
)
def test_the_vocabulary_is_that_of_the_configuration(
    make_config: Callable[..., TrainConfig], folder: Path, settings: dict[str, Any], tags: tuple[str, ...]
):
    assert load_training_data(make_config(folder, **settings), classes=CLASSES).all_tags == tags


@pytest.mark.parametrize(
    ("settings", "photos"),
    [
        ({}, (16, 4)),
        ({"validation": 0.5}, (10, 10)),
        ({"validation": 0.5, "max_samples": 7}, (7, 10)),
        ({"validation": 0.5, "of_set": {"max_photos": 3}}, (3, 10)),
    ],
)
def test_the_parts_are_as_large_as_the_configuration_says(
    make_config: Callable[..., TrainConfig], folder: Path, settings: dict[str, Any], photos: tuple[int, int]
):
    data = load_training_data(make_config(folder, **settings))

    assert (len(data.training.records), len(data.validation.records)) == photos


def test_the_seed_decides_the_split(make_config: Callable[..., TrainConfig], folder: Path):
    kept = [load_training_data(make_config(folder, seed=seed)).data_sets[0].validation for seed in (1, 1, 2)]

    assert kept[0] == kept[1] != kept[2]


@pytest.mark.parametrize(("across", "asked"), [(False, False), (True, True)])
def test_what_is_probably_absent_is_asked_for_where_the_training_needs_it(
    make_config: Callable[..., TrainConfig], make_data_set: MakeDataSet, across: bool, asked: bool
):
    folders = [make_data_set({f"{n}.jpg": "sea" for n in range(4)}, name=name) for name in ("one", "other")]
    settings = {"freeze": "backbone", "across_sources": across, "keep_duplicates_together": False}
    config = make_config(*folders, of_set={"judges": True}, **settings)

    assert (load_training_data(config).training.unnamed is not None) is asked


def test_nobody_looks_for_copies_in_a_set_that_is_known_to_have_none(
    make_config: Callable[..., TrainConfig], folder: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    for copy in ("01.jpg", "02.jpg"):
        (folder / copy).write_bytes((folder / "00.jpg").read_bytes())

    for distinct in (True, False):
        load_training_data(make_config(folder, of_set={"distinct": distinct}))
        assert ("1 groups of photos show one picture" in caplog.text) is not distinct


def test_two_sets_of_one_name_are_refused(make_config: Callable[..., TrainConfig], make_data_set: MakeDataSet):
    folder = make_data_set({"1.jpg": "sea"})

    with pytest.raises(ConfigError, match="two sets have one name"):
        load_training_data(make_config(folder, folder))


def test_a_broken_photo_stops_it_or_is_left_out(
    make_config: Callable[..., TrainConfig], folder: Path, caplog: pytest.LogCaptureFixture
):
    (folder / "03.jpg").write_text("no photo")

    with pytest.raises(DataError, match=r"metadata\.csv:5: .*not a photo"):
        load_training_data(make_config(folder))
    data = load_training_data(make_config(folder), skip_bad_rows=True)

    assert len(data.training.records) + len(data.validation.records) == 19
    assert "left out: metadata.csv:5: " in caplog.text


def test_one_photo_is_no_data_set(make_config: Callable[..., TrainConfig], make_data_set: MakeDataSet):
    with pytest.raises(DataError, match="at least two photos, got 1"):
        load_training_data(make_config(make_data_set({"1.jpg": "sea"})))


def test_one_training_photo_is_too_few(make_config: Callable[..., TrainConfig], make_data_set: MakeDataSet):
    words = {f"{n}.jpg": "sea" for n in range(3)}
    folder = make_data_set(words, splits={name: "train" if name == "0.jpg" else "val" for name in words})

    with pytest.raises(DataError, match="only one photo is for training, expected at least two"):
        load_training_data(make_config(folder))


def test_a_taxonomy_goes_by_default_none_or_its_file(tmp_path: Path):
    (tmp_path / "taxonomy.toml").write_text(TAXONOMY)

    assert load_taxonomy("none").canonical("puppy") == "puppy"
    assert load_taxonomy(str(tmp_path / "taxonomy.toml")).canonical("puppy") == "dog"
    assert load_taxonomy("default").implications

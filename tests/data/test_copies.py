"""Duplicates in a training: on one side of our own split, reported across a given one, fingerprinted once."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import DataError
from vectortag.data import copies
from vectortag.data.training import TrainingData
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import load_training_data

MakeDataSet = Callable[..., Path]
WORDS = {f"{n:02}.jpg": "dog" if n % 2 else "sea" for n in range(12)}


@pytest.fixture
def with_copies(make_data_set: MakeDataSet) -> Callable[..., Path]:
    """with_copies(name=..., splits=...): twelve photos of which the last six are copies of the first six."""

    def make(**options: Any) -> Path:
        folder = make_data_set(WORDS, **options)
        for n in range(6):
            shutil.copy(folder / f"{n:02}.jpg", folder / f"{n + 6:02}.jpg")
        return folder

    return make


def load(*folders: Path, skip_bad_rows: bool = False, **settings: Any) -> TrainingData:
    data = [{"name": folder.name, "csv": str(folder)} for folder in folders]
    settings = {"name": "test", "vocabulary": {"taxonomy": "none"}, "validation": 0.25, **settings}
    return load_training_data(TrainConfig.model_validate({**settings, "data": data}), skip_bad_rows=skip_bad_rows)


def parted(data: TrainingData) -> set[int]:
    """The pictures that are in both parts."""
    training, validation = ({int(r.path.stem) % 6 for r in part.records} for part in (data.training, data.validation))
    return training & validation


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_groups_that_stay_together_are_counted_in_the_log(with_copies, caplog):
    caplog.set_level(logging.INFO)

    load(with_copies())

    assert "photos: 6 groups of photos show one picture and stay together" in caplog.messages


@pytest.mark.parametrize("seed", range(4))
def test_copies_are_on_one_side_of_our_own_split(with_copies, seed: int, caplog):
    data = load(with_copies(), seed=seed)

    assert len(data.training.records) + len(data.validation.records) == 12
    assert parted(data) == set()
    assert warnings(caplog) == []


def test_they_may_be_parted_where_that_is_asked_for(with_copies, caplog):
    folder = with_copies()

    assert any(parted(load(folder, seed=seed, keep_duplicates_together=False)) for seed in range(4))
    assert warnings(caplog) == []


def test_a_given_split_is_kept_and_copies_across_it_are_reported(with_copies, caplog):
    folder = with_copies(splits={name: "train" if int(name[:2]) < 8 else "val" for name in WORDS})

    data = load(folder)

    assert (len(data.training.records), len(data.validation.records)) == (8, 4)
    (warning,) = warnings(caplog)
    assert warning.startswith("4 of 4 validation photos show the same picture as a training photo")
    assert warning.endswith(
        f": {folder}/02.jpg = {folder}/08.jpg; {folder}/03.jpg = {folder}/09.jpg; "
        f"{folder}/04.jpg = {folder}/10.jpg; ..."
    )


def test_copies_on_one_side_of_a_given_split_are_nobodys_concern(with_copies, caplog):
    load(with_copies(splits={name: "train" if int(name[:2]) % 6 else "val" for name in WORDS}))

    assert warnings(caplog) == []


def test_a_copy_in_another_data_set_is_reported_too(make_data_set: MakeDataSet, make_photo, caplog):
    words, splits = {"0.jpg": "dog", "1.jpg": "dog"}, {"0.jpg": "train", "1.jpg": "val"}
    one, other = (make_data_set(words, splits=splits, name=name) for name in ("one", "other"))
    make_photo("other/0.jpg", seed=50)
    shutil.copy(one / "0.jpg", other / "1.jpg")

    load(one, other)

    (warning,) = warnings(caplog)
    assert warning.startswith("1 of 2 validation photos")
    assert warning.endswith(f": {one}/0.jpg = {other}/1.jpg")


def test_a_photo_is_fingerprinted_once(with_copies, monkeypatch: pytest.MonkeyPatch):
    folder = with_copies()
    first = load(folder)

    monkeypatch.setattr(copies, "read_fingerprints", lambda paths: pytest.fail("read again"))

    assert load(folder).validation.records == first.validation.records


def test_a_changed_photo_is_fingerprinted_again(with_copies, make_photo: Callable[..., Path]):
    folder = with_copies()
    load(folder)
    make_photo("photos/06.jpg", seed=99, size=(80, 60))

    sides = [load(folder, seed=seed) for seed in range(6)]

    assert set().union(*map(parted, sides)) == {0}


def test_a_photo_that_cannot_be_read_stops_the_training_or_is_left_out(with_copies, caplog):
    folder = with_copies()
    (folder / "03.jpg").write_text("not a photo")
    refused = r"^metadata\.csv:5: .*03\.jpg: not a photo.*\. Fix the photo or pass --skip-bad-rows\.$"

    for _ in range(2):  # the second time from the cache
        with pytest.raises(DataError, match=refused):
            load(folder)
    data = load(folder, skip_bad_rows=True)

    names = {record.path.name for part in (data.training, data.validation) for record in part.records}
    assert names == {f"{n:02}.jpg" for n in range(12)} - {"03.jpg"}
    assert "left out: metadata.csv:5: " in caplog.text

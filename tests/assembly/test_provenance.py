"""What a model folder remembers of how it came to be."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.assembly import provenance
from vectortag.assembly.provenance import data_provenance
from vectortag.data.digest import data_digests
from vectortag.data.records import read_data_set
from vectortag.data.training import TrainingData, prepare_training_data
from vectortag.model.taxonomy import Taxonomy


@pytest.fixture
def data(make_data_set: Callable[..., Path]) -> TrainingData:
    words = {f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(6)}
    return prepare_training_data([read_data_set(make_data_set(words))], Taxonomy())


def test_it_has_the_hash_of_the_data_and_the_commit(data: TrainingData, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance, "git_commit", lambda _: "0" * 40)

    found = data_provenance(data, time.monotonic())

    assert found == {"data": data_digests(data), "git": "0" * 40, "seconds": 0}


def test_without_a_repository_it_names_none(data: TrainingData, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance, "git_commit", lambda _: None)

    assert "git" not in data_provenance(data, time.monotonic())

"""The hash of a training's data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.data.digest import data_digests
from vectortag.data.records import read_data_set
from vectortag.data.training import prepare_training_data
from vectortag.model.taxonomy import Taxonomy

WORDS = {f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(8)}
PARTS = {f"{n}.jpg": "val" if n > 5 else "train" for n in range(8)}


@pytest.fixture
def digest(make_data_set: Callable[..., Path]) -> Callable[..., str]:
    """digest(WORDS, PARTS): the hash of a set of these photos."""

    def of(words: dict[str, str], parts: dict[str, str]) -> str:
        data = read_data_set(make_data_set(words, splits=parts))
        return data_digests(prepare_training_data([data], Taxonomy()))["photos"]

    return of


def test_it_is_the_same_for_the_same_data(digest):
    assert digest(WORDS, PARTS) == digest(WORDS, PARTS)


def test_names_of_files_do_not_count(digest):
    other = {f"other{name}": words for name, words in WORDS.items()}
    parts = {f"other{name}": part for name, part in PARTS.items()}

    assert digest(WORDS, PARTS) == digest(other, parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (WORDS | {"0.jpg": "dog"}, PARTS),
        (WORDS, PARTS | {"5.jpg": "val"}),
        (dict(list(WORDS.items())[::-1]), PARTS),  # other pictures have these names
    ],
    ids=["words", "parts", "photos"],
)
def test_words_parts_and_photos_do(digest, words, parts):
    assert digest(WORDS, PARTS) != digest(words, parts)


def test_photos_for_testing_do_not(digest):
    assert digest(WORDS, PARTS) == digest(WORDS | {"9.jpg": "dog"}, PARTS | {"9.jpg": "test"})

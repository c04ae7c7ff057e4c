"""Photos found with a person's own encoder, which here knows three colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.inference.encoder_search import EncoderIndex
from vectortag.inference.tagger import Tagger
from vectortag.model.encoder import Encoder

COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250), "violet": (250, 10, 240)}


@pytest.fixture
def encoder(write_own_encoder: Callable[..., Path]) -> Encoder:
    return Encoder.read(write_own_encoder())


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    (tmp_path / "photos").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 30), colour).save(tmp_path / "photos" / f"{name}.png")
    return [tmp_path / "photos" / f"{name}.png" for name in COLOURS]


def names(index: EncoderIndex, sentence: str, **options) -> list[str]:
    return [one.photo.stem for one in index.search(sentence, **{"top": 9, **options})]


def test_the_photos_that_fit_best_come_first(encoder: Encoder, photos: list[Path]):
    index = EncoderIndex(encoder, photos)

    assert names(index, "A red!")[:2] == ["red", "violet"]
    assert names(index, "blue", top=1) == ["blue"]
    assert set(names(index, "red, blue", top=1)) == {"violet"}


def test_a_second_search_does_not_load_the_network(encoder: Encoder, photos: list[Path], monkeypatch):
    first = EncoderIndex(encoder, photos).search("red", top=9)

    monkeypatch.setattr("vectortag.runtime.encoder_session.open_session", None)

    assert EncoderIndex(encoder, photos).search("red", top=9) == first


def test_tags_are_those_of_the_model(encoder: Encoder, photos: list[Path], tagger: Tagger):
    dogs = {photo.stem for photo in photos if "dog" in {one.tag for one in tagger.tag(photo).tags}}
    index = EncoderIndex(encoder, photos, tagger=tagger)

    assert set(names(index, "red", has=["puppy"])) == dogs
    assert set(names(index, "red", has_not=["dog"])) == set(COLOURS) - dogs


def test_a_photo_that_cannot_be_read_is_told_apart(encoder: Encoder, photos: list[Path], tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(b"no photo")

    index = EncoderIndex(encoder, [*photos, tmp_path / "broken.jpg"])

    assert index.photos == tuple(photos)
    assert [type(error) for error in index.failed] == [PhotoError]

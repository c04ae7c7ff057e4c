"""A library whose sentences are read by a person's own encoder, which here knows three colours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_encoder import PIXELS, write_encoder

from vectortag.core.errors import LibraryError, WordsError
from vectortag.library.library import Library
from vectortag.library.packing import unpack_embeddings

COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}


@pytest.fixture
def encoder(tmp_path: Path, need_module: Callable[[str], ModuleType]) -> Path:
    need_module("onnx")
    need_module("tokenizers")
    return write_encoder(tmp_path / "encoder")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of one photo for each colour; their names say nothing."""
    (tmp_path / "photos").mkdir()
    for number, colour in enumerate(COLOURS.values()):
        Image.new("RGB", (40, 30), colour).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def order(library: Library, query: str) -> list[str]:
    return [list(COLOURS)[int(match.path.stem)] for match in library.search(query).matches]


def test_sentences_are_read_by_the_encoder(library: Library, update: Callable[..., Any], encoder: Path):
    done = update(encoder=encoder)

    assert (done.analysed, done.encoded, done.left) == (3, 3, 0)
    assert order(library, "red")[0] == "red"
    assert order(library, '"a blue"')[0] == "blue"
    assert library.search("green").order == "sentence"


def test_its_embeddings_are_kept_under_its_own_identity(
    library: Library, update: Callable[..., Any], rows: Callable[..., list[Any]], encoder: Path
):
    update(encoder=encoder)

    names = rows("SELECT name FROM models JOIN analyses ON model = models.id GROUP BY models.id ORDER BY models.id")
    packed = rows("SELECT embedding FROM analyses JOIN models ON model = models.id WHERE name = 'encoder'")
    assert names == ["tiny", "encoder"]
    np.testing.assert_allclose(np.linalg.norm(unpack_embeddings(packed), axis=1), 1, atol=0.02)


def test_the_next_update_has_the_encoder_and_nothing_to_do(
    library: Library, update: Callable[..., Any], encoder: Path, monkeypatch: pytest.MonkeyPatch
):
    update(encoder=encoder)

    monkeypatch.setattr("vectortag.runtime.encoder_session.open_session", None)
    done = update(prune=True)

    assert (done.analysed, done.encoded) == (0, 0)
    assert order(library, "red")[0] == "red"


def test_a_new_photo_is_embedded(library: Library, update: Callable[..., Any], encoder: Path, photos: Path):
    update(encoder=encoder)
    Image.new("RGB", (40, 30), (0, 0, 90)).save(photos / "2b.png")

    assert update().encoded == 1


def test_other_pixels_are_another_encoder(library: Library, update: Callable[..., Any], encoder: Path):
    update(encoder=encoder)
    write_encoder(encoder, pixels={**PIXELS, "resize_mode": "shortest"})

    assert update().encoded == 3
    assert order(library, "red")[0] == "red"


def test_an_encoder_that_is_gone_stops_an_update_and_leaves_search_to_the_model(
    library: Library, update: Callable[..., Any], encoder: Path
):
    update(encoder=encoder)
    shutil.rmtree(encoder)

    with pytest.raises(LibraryError, match="--no-encoder"):
        update()
    with pytest.raises(WordsError, match="knows no words"):  # the tiny model
        library.search('"a red"')


def test_an_encoder_can_be_forgotten(library: Library, update: Callable[..., Any], encoder: Path):
    update(encoder=encoder)

    assert update(encoder=False).encoded == 0
    with pytest.raises(WordsError, match="knows no words"):
        library.search('"a red"')


def test_the_command_says_what_it_did(cli: Callable[..., Any], photos: Path, tiny_model: Path, encoder: Path):
    done = cli("library", "add", photos, "--model", tiny_model, "--encoder", encoder)

    assert done.status == 0
    assert "3 embedded by the encoder" in done.stderr
    assert cli("search", "a", "red", "--top", 1).stdout.count("0.png") == 1
    assert cli("library", "update", "--no-encoder").status == 0

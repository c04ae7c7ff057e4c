"""Examples of a new tag that an encoder finds by the tag's name: here red photos, by an encoder of three colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.assembly import encoder_examples
from vectortag.assembly.encoder_examples import LEAST_SHOWN, MOST_EXAMPLES, find_examples
from vectortag.core.errors import NewTagError, WordsError
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import LinearBlock
from vectortag.model.encoder import Encoder
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.taxonomy import Taxonomy

RED, OTHERS = 12, 48


@pytest.fixture
def encoder(write_own_encoder: Callable[..., Path]) -> Encoder:
    return Encoder.read(write_own_encoder())


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Red ones first, then others of all colours but red."""
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    paths = []
    for number in range(RED + OTHERS):
        red, green, blue = random.integers(0, 60, 3)
        colour = (230 + red // 4, green, blue) if number < RED else (red, *(60 + random.integers(0, 190, 2)))
        paths.append(tmp_path / "photos" / f"{number:02}.png")
        Image.new("RGB", (32, 32), tuple(map(int, colour))).save(paths[-1])
    return paths


@pytest.fixture
def reds(write_tiny_model: Callable[..., ModelFolder], tagger: Tagger, photos: list[Path], tmp_path: Path) -> Tagger:
    """A model of twelve tags that are all called "red", more or less, and that it shows on nearly all red photos."""
    embeddings = tagger.embedder.embed(np.stack([tagger.embedder.pixels(photo) for photo in photos]))  # (N, 8)
    centred = np.column_stack([embeddings, np.ones(len(photos), np.float32)])
    is_red = np.where(np.arange(len(photos)) < RED, 1.0, -1.0)
    solution = np.linalg.lstsq(centred, is_red, rcond=None)[0]  # (9,)
    random = np.random.default_rng(1)
    rows = solution * (1 + random.normal(0, 0.02, (12, 9)))
    head = Head((LinearBlock(rows[:, :8].astype(np.float32) * 20, rows[:, 8].astype(np.float32) * 20),))
    thresholds = dict.fromkeys(("precise", "balanced", "thorough"), [0.5] * 12)
    point = {"size": 32, "slope": [1.0] * 12, "bias": [0.0] * 12, "thresholds": thresholds}
    names = tuple(f"red {number}" for number in range(12))  # to the encoder, one unknown word more
    folder = write_tiny_model(
        tmp_path / "reds", tags=names, head=head, operating_points=[point], taxonomy=Taxonomy(), background=embeddings
    )
    model = Tagger.load(folder)
    shown = model.scores(embeddings) >= 0.5
    assert 0.8 < shown[:RED].mean() <= 1
    assert not shown[RED:].mean() > 0.02
    return model


def test_photos_that_fit_as_those_of_known_tags_do_are_chosen(encoder: Encoder, photos: list[Path], reds: Tagger):
    found = find_examples(reds, encoder, "red", None, photos)

    assert 3 <= len(found.photos) <= MOST_EXAMPLES
    assert set(found.photos) <= set(photos[:RED])
    assert (found.among, found.tried, found.failed) == (RED + OTHERS, 12, ())
    assert 0.8 <= found.right <= 1


def test_where_too_little_fits_nothing_is_learnt(
    encoder: Encoder, photos: list[Path], reds: Tagger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encoder_examples, "MIN_EXAMPLES", RED + OTHERS + 1)

    with pytest.raises(NewTagError, match=r'"red": \d+ of 60 photos fit it well enough'):
        find_examples(reds, encoder, "red", None, photos)


def test_an_encoder_that_cannot_be_tried_is_not_believed(encoder: Encoder, photos: list[Path], tagger: Tagger):
    with pytest.raises(WordsError, match=f"at least {LEAST_SHOWN} of these 60 photos"):
        find_examples(tagger, encoder, "red", None, photos)


def test_the_command_learns_the_tag_from_them(
    cli: Callable[..., Any], encoder: Encoder, photos: list[Path], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = encoder_examples.Examples(tuple(photos[:6]), 60, 12, 0.9, ())
    monkeypatch.setattr(encoder_examples, "find_examples", lambda *arguments: chosen)
    arguments = ("add-tag", "reddish", "--from-words", "--encoder", encoder.path, "--model", tiny_model)

    done = cli(*arguments, "--among", photos[0].parent)

    assert done.status == 0
    assert "reddish: added to" in done.stdout
    assert "from 6 photos" in done.stdout
    assert "chose 6 of 60 photos as examples" in done.stderr
    assert "tested on 12 tags" in done.stderr
    assert cli(*arguments).status == 2

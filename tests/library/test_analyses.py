"""Scores that are computed again from stored embeddings: added tags, corrected ones, other thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.inference.tagger import Tagger
from vectortag.library.library import Library
from vectortag.library.library_model import LibraryModel
from vectortag.library.packing import unpack_embeddings, unpack_scores
from vectortag.library.update import Updated
from vectortag.personal.corrected_rows import Refit, save_refits

Rows = Callable[..., list[Any]]
Update = Callable[..., Updated]


@pytest.fixture
def closed_photos(
    update: Update, opened_photos: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A library that is up to date, and that opens neither photos nor the network from now on."""
    update()
    assert len(opened_photos()) >= 4
    monkeypatch.setattr(LibraryModel, "open_embedder", None)
    yield
    assert opened_photos() == []


def check(tagger: Tagger, rows: Rows) -> None:
    """Every score in the library is the tagger's for the stored embedding, and `shown` has what it has to have."""
    for content, packed, embedding in rows("SELECT content, codes, embedding FROM analyses"):
        expected = tagger.scores(unpack_embeddings([embedding]))[0]
        assert np.abs(unpack_scores([packed])[0] - expected).max() <= 0.02
        shown = dict(rows("SELECT tag, score FROM shown WHERE content = ?", content))
        assert set(np.flatnonzero(expected >= 0.06)) <= set(shown) <= set(np.flatnonzero(expected >= 0.04))
        for tag, score in shown.items():
            assert score == pytest.approx(expected[tag], abs=0.02)


def test_scores_that_are_computed_in_parts_are_those_of_each_photo(
    update: Update, tiny_model: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("vectortag.library.analyses.SCORED", 3)

    assert update().analysed == 4

    check(Tagger.load(tiny_model), rows)


@pytest.mark.usefixtures("closed_photos")
class TestAnAddedTag:
    def test_gets_its_scores_without_a_photo(
        self, update: Update, tiny_model: Path, photos_12: list[Path], rows: Rows, caplog: pytest.LogCaptureFixture
    ):
        caplog.set_level("INFO")
        tagger = Tagger.load(tiny_model)
        tagger.add_tag("our boat", photos_12[:4])

        update()

        assert "scores of 1 tags computed from the embeddings of 4 photos" in caplog.text
        assert rows("SELECT tags FROM models")[0].endswith('"our boat"]')
        check(tagger, rows)

    def test_that_sorts_before_another_moves_it(
        self, update: Update, tiny_model: Path, photos_12: list[Path], rows: Rows
    ):
        tagger = Tagger.load(tiny_model)
        tagger.add_tag("our boat", photos_12[:4])
        update()
        tagger.add_tag("a kite", photos_12[4:8])
        update()
        check(tagger, rows)

        tagger.remove_tag("a kite")
        update()
        check(tagger, rows)

        tagger.remove_tag("our boat")
        update()
        check(tagger, rows)
        assert rows("SELECT max(tag) < 6 FROM shown") == [1]

    def test_changes_no_other_score(self, update: Update, tiny_model: Path, photos_12: list[Path], rows: Rows):
        query = "SELECT tag, content, score FROM shown WHERE tag < 6 ORDER BY 1, 2"
        before = rows(query)
        Tagger.load(tiny_model).add_tag("our boat", photos_12[:4])

        update()

        assert rows(query) == before


@pytest.mark.usefixtures("closed_photos")
def test_a_correction_moves_its_tag_and_those_above(update: Update, tiny_model: Path, rows: Rows, tagger: Tagger):
    before = rows("SELECT tag, content, score FROM shown WHERE tag NOT IN (0, 2) ORDER BY 1, 2")
    save_refits(tagger.folder, [Refit("dog", np.full(16, 0.3, np.float32), 0.5, 3)])  # 16: of the tiny model's MLP

    update()

    check(Tagger.load(tiny_model), rows)
    assert rows("SELECT tag, content, score FROM shown WHERE tag NOT IN (0, 2) ORDER BY 1, 2") == before


@pytest.mark.usefixtures("closed_photos")
def test_another_profile_of_the_same_size_changes_thresholds_alone(update: Update, rows: Rows, library: Library):
    before = rows("SELECT * FROM shown")

    update(profile="precise")

    assert rows("SELECT thresholds FROM models") == [
        "[0.699999988079071, 0.699999988079071, 0.699999988079071, null, 0.699999988079071, 0.699999988079071]"
    ]
    assert rows("SELECT * FROM shown") == before
    assert library.setting("profile") == "precise"

"""Taggings from a library are those of the tagger, or there are none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.types import Tagging
from vectortag.inference.tagger import Tagger
from vectortag.library.library import Library
from vectortag.library.stored_taggings import StoredTaggings
from vectortag.library.update import Updated

Update = Callable[..., Updated]


@pytest.fixture
def known(library: Library, update: Update) -> Library:
    update()
    return library


def stored(tagger: Tagger, library: Library) -> StoredTaggings:
    found = StoredTaggings.open(tagger, library.file)
    assert found is not None
    return found


def test_they_are_those_of_the_tagger(tagger: Tagger, known: Library, photos: Path):
    for photo in photos.rglob("*.*"):
        kept, computed = stored(tagger, known).of(photo), tagger.tag(photo)
        assert kept is not None
        assert (kept.path, kept.model, kept.precision, kept.size) == (
            computed.path,
            computed.model,
            computed.precision,
            computed.size,
        )
        assert [one.tag for one in kept.tags] == [one.tag for one in computed.tags]
        for mine, theirs in zip(kept.scores, computed.scores, strict=True):
            assert mine.score == pytest.approx(theirs.score, abs=1e-5 if theirs.score >= 0.05 else 0.003)
            assert mine.threshold == theirs.threshold


def test_photos_that_are_not_known_go_through_the_network_in_their_order(
    tagger: Tagger, known: Library, photos: Path, make_photo, monkeypatch: pytest.MonkeyPatch
):
    seen: list[Path] = []
    real = Tagger.tag_many

    def watched(self: Tagger, some: Any) -> Any:
        some = list(some)
        seen.extend(some)
        return real(self, some)

    monkeypatch.setattr(Tagger, "tag_many", watched)
    make_photo("photos/a.jpg", seed=9)
    os.utime(photos / "a.jpg", (9, 9))
    new, outside = make_photo("photos/e.jpg", seed=8), make_photo("outside.jpg", seed=7)
    order = [photos / "b.jpg", new, photos / "a.jpg", outside, photos / "in" / "c.jpg"]

    results = list(stored(tagger, known).tag_many(order))

    assert [result.path for result in results] == [str(photo) for photo in order]
    assert all(isinstance(result, Tagging) for result in results)
    assert seen == [new, photos / "a.jpg", outside]


class TestThereAreNone:
    def test_of_another_model_or_size(self, known: Library, two_sizes):
        assert StoredTaggings.open(Tagger.load(two_sizes), known.file) is None

    def test_where_a_tag_was_added_meanwhile_until_the_next_update(
        self, known: Library, tiny_model: Path, photos_12: list[Path], update: Update
    ):
        tagger = Tagger.load(tiny_model)
        tagger.add_tag("our boat", photos_12[:4])

        assert StoredTaggings.open(tagger, known.file) is None
        update()
        assert StoredTaggings.open(tagger, known.file) is not None
        assert StoredTaggings.open(tagger.without_additions(), known.file) is not None

    def test_where_there_is_no_library(self, tagger: Tagger, home: Path, caplog: pytest.LogCaptureFixture):
        assert StoredTaggings.open(tagger) is None
        assert not (home / "library.sqlite").exists()
        assert caplog.text == ""

    def test_where_the_library_that_was_named_is_missing_and_that_is_said(
        self, tagger: Tagger, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        assert StoredTaggings.open(tagger, tmp_path / "none.sqlite") is None
        assert not (tmp_path / "none.sqlite").exists()
        assert "no library. Make one with" in caplog.text

    def test_where_the_library_is_damaged_and_the_job_goes_on(
        self, tagger: Tagger, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        (tmp_path / "bad.sqlite").write_bytes(b"no database at all" * 100)

        assert StoredTaggings.open(tagger, tmp_path / "bad.sqlite") is None
        assert "Its taggings are not used" in caplog.text

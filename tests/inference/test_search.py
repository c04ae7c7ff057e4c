"""Photos found by a sentence, and by the tags that they have or have not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import PhotoError, UnknownTagError
from vectortag.inference.search import PhotoIndex, with_tags
from vectortag.inference.tagger import Tagger
from vectortag.model.words.line import Line
from vectortag.model.words.similarity import Words
from vectortag.model.words.text_model import is_installed
from vectortag.model.words.word_vectors import word_vector


@pytest.fixture
def tagger(worded_tagger: Tagger) -> Tagger:
    return worded_tagger


@pytest.fixture
def photos(photos_12: list[Path]) -> list[Path]:
    return photos_12


def test_the_photos_that_fit_best_come_first(tagger, photos):
    index = PhotoIndex.of(tagger, photos)

    found = index.search("zebra", top=5)

    embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])
    words = tagger.folder.words
    cosines = words.views(embeddings).directions @ words.queries(word_vector("zebra")[None])[0]
    assert [one.photo for one in found] == [photos[place] for place in np.argsort(-cosines)[:5]]
    assert [one.similarity for one in found] == pytest.approx(sorted(cosines, reverse=True)[:5], abs=1e-6)


def test_a_second_search_does_not_run_the_network(tagger, photos, monkeypatch):
    first = PhotoIndex.of(tagger, photos).search("zebra", top=20)

    monkeypatch.setattr(type(tagger.embedder.session), "run", None)

    assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first


def test_nor_does_it_look_again_where_photos_point(tagger, photos, monkeypatch):
    first = PhotoIndex.of(tagger, photos).search("zebra", top=20)

    monkeypatch.setattr(Words, "views", None)

    assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first


def test_a_broken_cache_is_made_anew(tagger, photos, home):
    first = PhotoIndex.of(tagger, photos).search("zebra", top=20)
    (kept,) = (home / "cache" / "directions").iterdir()
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1

    for broken in (b"broken", b"", whole[:40], bytes(flipped), whole[:-1], b"\x93NUMPY" + whole[6:]):
        kept.write_bytes(broken)

        assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first
        assert kept.read_bytes() == whole


def test_conditions_leave_out_photos_by_their_tags(tagger, photos):
    index = PhotoIndex.of(tagger, photos)
    tags = {photo: {one.tag for one in tagger.tag(photo).tags} for photo in photos}
    dogs = {photo for photo in photos if "dog" in tags[photo]}
    assert 0 < len(dogs) < len(photos)

    assert {one.photo for one in index.search("zebra", top=20, has=["puppy"])} == dogs
    assert {one.photo for one in index.search("zebra", top=20, has_not=["dog"])} == set(photos) - dogs
    assert index.search("zebra", top=20, has=["dog"], has_not=["dog"]) == []


@pytest.fixture
def chosen(write_tiny_model, with_thresholds, photos, tmp_path):
    """chosen(thresholds, has=["dog"]): the tiny model with these thresholds, and which photos it chooses."""

    def choose(thresholds: list[float | None], **conditions: list[str]) -> tuple[Tagger, list[int]]:
        tagger = Tagger.load(write_tiny_model(tmp_path / "changed", **with_thresholds(thresholds)))
        embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])
        rows = with_tags(tagger, embeddings, np.arange(len(photos)), top=20, **{"has": (), "has_not": (), **conditions})
        return tagger, rows.tolist()

    return choose


def test_a_condition_on_a_parent_is_met_by_its_child(chosen, photos):
    thresholds = [0.99999, 1, 0.5, None, 1, 1]
    tagger, found = chosen(thresholds, has=["animal"])
    dogs = [place for place, photo in enumerate(photos) if tagger.tag(photo)["dog"].score >= 0.5]

    assert 0 < len(dogs) < len(photos)
    assert found == dogs
    assert chosen(thresholds, has_not=["animal"])[1] == [n for n in range(len(photos)) if n not in dogs]


def test_a_guess_is_not_found(chosen, photos):
    shy, _ = chosen([0.99999] * 6)
    guess = next(tagging.guesses[0].tag for tagging in shy.tag_many(photos) if tagging.guesses)

    assert chosen([0.99999] * 6, has=[guess])[1] == []


def test_a_photo_that_cannot_be_read_is_told_apart(tagger, photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")

    index = PhotoIndex.of(tagger, [*photos, broken])

    assert index.photos == tuple(photos)
    assert [type(error) for error in index.failed] == [PhotoError]


def test_nothing_is_found_where_there_is_nothing(tagger):
    assert PhotoIndex.of(tagger, []).search("zebra", top=3) == []


@pytest.mark.parametrize(
    ("sentence", "doubted"), [("asdfgh", True), ("blorf asdfgh", True), ("the blorf", False), ("zebras", False)]
)
def test_nonsense_is_doubted(tagger, photos, need, sentence, doubted):
    need(is_installed(), "the text model")

    doubt = PhotoIndex.of(tagger, photos).doubt(sentence)

    assert (doubt is not None) == doubted
    assert doubt is None or f'"{sentence}" is far from everything that the model "tiny" knows' in doubt


def test_photos_that_are_not_to_be_kept_leave_nothing_in_the_cache(tagger, photos, home):
    embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])

    found = PhotoIndex(tagger, range(len(photos)), embeddings).search("zebra", top=20)

    assert not (home / "cache" / "directions").exists()
    assert [photos[one.photo] for one in found] == [
        one.photo for one in PhotoIndex.of(tagger, photos).search("zebra", top=20)
    ]


def test_an_unknown_tag_is_an_error(tagger, photos):
    with pytest.raises(UnknownTagError, match="no tag"):
        PhotoIndex.of(tagger, photos).search("zebra", top=3, has=["unicorn"])


@pytest.mark.parametrize(("height", "says"), [(-1.0, None), (1.0, 'nothing here clearly matches "zebra"')])
def test_a_search_says_whether_any_photo_stands_above_the_line(
    write_tiny_model, make_words, photos, tmp_path, height, says
):
    """The line is a cosine here."""
    middle, spread = np.zeros(384, np.float32), np.eye(384, dtype=np.float32)
    line = Line(middle, spread, np.float32([-height, 1, 0, 0]), 0.8, 10)
    words = replace(make_words(), line=line)
    tagger = Tagger.load(write_tiny_model(tmp_path / "lined", words=words, classifier=words.classifier))
    index = PhotoIndex.of(tagger, photos)

    doubt = index.doubt("zebra", index.search("zebra", top=5))

    assert doubt is None if says is None else says in doubt
    assert index.doubt("zebra") is None
    assert index.doubt("zebra", []) is None

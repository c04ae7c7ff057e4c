"""Embeddings are computed once for each content, whatever the photo is called."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.folders import cache_home
from vectortag.data.embedding_cache import embed_cached, embed_photos
from vectortag.inference.tagger import Tagger
from vectortag.runtime.embedder import Embedder

MakePhoto = Callable[..., Path]


@pytest.fixture
def embedded(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the photos that the network has seen."""
    seen: list[str] = []
    plain = Embedder.embed_many

    def embed_many(self: Embedder, photos: Sequence[Path]):
        for photo, embedding in plain(self, photos):
            seen.append(Path(photo).name)
            yield photo, embedding

    monkeypatch.setattr(Embedder, "embed_many", embed_many)
    return seen


def embed(tagger: Tagger, *photos: Path, network: str = "tiny") -> np.ndarray:
    found = embed_cached(tagger.embedder, network, photos)
    assert found.photos == list(photos)
    return found[range(len(photos))]


def test_embeddings_are_the_network_s_to_the_bit(tagger, make_photo: MakePhoto):
    photos = [make_photo(f"{n}.jpg", seed=n) for n in range(3)]
    expected = [embedding for _, embedding in tagger.embedder.embed_many(photos)]

    for _ in range(2):
        np.testing.assert_array_equal(embed(tagger, *photos), expected)


def test_a_photo_is_computed_once(tagger, make_photo: MakePhoto, embedded: list[str]):
    one, other = make_photo("one.jpg", seed=1), make_photo("other.jpg", seed=2)

    embed(tagger, one)
    embed(tagger, one, other)

    assert embedded == ["one.jpg", "other.jpg"]


def test_a_copy_is_known_by_its_content(tagger, make_photo: MakePhoto, embedded: list[str], tmp_path: Path):
    photo = make_photo()
    expected = embed(tagger, photo)
    (tmp_path / "elsewhere").mkdir()

    assert np.array_equal(embed(tagger, Path(shutil.copy(photo, tmp_path / "elsewhere"))), expected)
    assert len(embedded) == 1


def test_a_photo_that_was_changed_is_computed_again(tagger, make_photo: MakePhoto, embedded: list[str]):
    photo = make_photo(seed=1)
    before = embed(tagger, photo)
    make_photo(seed=2)
    os.utime(photo, ns=(1, 1))

    assert not np.array_equal(embed(tagger, photo), before)
    assert len(embedded) == 2


def test_another_network_has_embeddings_of_its_own(tagger, make_photo: MakePhoto, embedded: list[str]):
    photo = make_photo()

    embed(tagger, photo, network="one")
    embed(tagger, photo, network="other")

    assert len(embedded) == 2


def test_bad_photos_are_told_apart_and_each_photo_counts_once(tagger, make_photo: MakePhoto, tmp_path: Path):
    good, broken, gone = make_photo("good.jpg"), tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(b"not a photo")

    for _ in range(2):
        found = embed_cached(tagger.embedder, "tiny", [gone, good, broken, good])

        assert found.photos == [good]
        assert found[[0]].shape == (1, 8)
        assert ["missing.jpg" in str(found.failed[0]), "broken.jpg" in str(found.failed[1])] == [True, True]


def test_some_photos_are_read_in_any_order(tagger, make_photo: MakePhoto):
    photos = [make_photo(f"{n}.jpg", seed=n) for n in range(5)]
    expected = np.stack([embedding for _, embedding in tagger.embedder.embed_many(photos)])

    found = embed_cached(tagger.embedder, "tiny", photos)

    np.testing.assert_array_equal(found[[3, 0, 3]], expected[[3, 0, 3]])


def test_more_photos_than_one_query_asks_for(tagger, make_photo: MakePhoto, monkeypatch):
    monkeypatch.setattr("vectortag.data.embedding_cache.AT_ONCE", 2)
    photos = [make_photo(f"{n}.jpg", seed=n) for n in range(5)]
    expected = dict(tagger.embedder.embed_many(photos))

    for _ in range(2):
        found, failed = embed_photos(tagger.embedder, "tiny", photos)

        assert failed == []
        assert list(found) == photos
        for photo in photos:
            np.testing.assert_array_equal(found[photo], expected[photo])


def test_the_key_names_photos_and_network(tagger, make_photo: MakePhoto):
    one, other = make_photo("one.jpg", seed=1), make_photo("other.jpg", seed=2)

    def key(*photos: Path, network: str = "tiny") -> str:
        return embed_cached(tagger.embedder, network, photos).key

    assert key(one, other) == key(one, other)
    assert len({key(one), key(other), key(one, other), key(other, one), key(one, network="other")}) == 5


def test_what_was_done_before_ctrl_c_is_not_done_again(tagger, make_photo, embedded, monkeypatch):
    photos = [make_photo(f"{n}.jpg", seed=n) for n in range(3)]
    monkeypatch.setattr("vectortag.data.embedding_cache.SECONDS_BETWEEN_NOTES", -1)
    plain = Embedder.embed_many

    def stopped(self: Embedder, some: Sequence[Path]):
        for place, pair in enumerate(plain(self, some)):
            if place == 2:
                raise KeyboardInterrupt
            yield pair

    with monkeypatch.context() as patch:
        patch.setattr(Embedder, "embed_many", stopped)
        with pytest.raises(KeyboardInterrupt):
            embed(tagger, *photos)
    embedded.clear()
    embed(tagger, *photos)

    assert embedded == ["2.jpg"]


def test_without_a_cache_folder_the_work_is_still_done(tagger, make_photo: MakePhoto, home: Path, caplog):
    photo = make_photo()
    (home / "cache" / "embeddings").parent.mkdir(exist_ok=True)
    (home / "cache" / "embeddings").write_text("a file where the folder should be")

    assert embed(tagger, photo)[0].shape == (8,)
    assert "so nothing is kept for the next time" in caplog.text


class TestDamage:
    """A cache that a disk or a crash has changed is made anew; never is a wrong embedding given."""

    @pytest.fixture
    def photos(self, make_photo: MakePhoto) -> list[Path]:
        return [make_photo(f"{n}.jpg", seed=n) for n in range(5)]

    @pytest.fixture
    def file(self, tagger, photos: list[Path]) -> Path:
        embed(tagger, *photos)
        (file,) = (cache_home() / "embeddings").glob("*.sqlite")
        return file

    def test_one_that_is_no_database_is_made_anew(self, tagger, photos: list[Path], file: Path, embedded, caplog):
        file.write_bytes(b"x" * 4096)

        assert embed(tagger, *photos).shape == (5, 8)
        assert "Its embeddings are computed again" in caplog.text
        embed(tagger, *photos)
        assert len(embedded) == 5

    @pytest.mark.parametrize("place", range(5))
    def test_a_flipped_bit_in_an_embedding_is_noticed(self, tagger, photos: list[Path], file: Path, place: int):
        expected = embed(tagger, *photos)
        content = bytearray(file.read_bytes())
        content[content.index(expected[place].tobytes()) + 2] ^= 1
        file.write_bytes(content)

        np.testing.assert_array_equal(embed(tagger, *photos), expected)
        assert file.read_bytes().count(expected[place].tobytes()) == 1  # it was mended

    def test_one_of_an_older_version_has_no_hashes(self, tagger, photos: list[Path], file: Path):
        expected = embed(tagger, *photos)
        with closing(sqlite3.connect(file)) as cache, cache:
            cache.execute("UPDATE embeddings SET embedding = substr(embedding, 1, 32)")

        np.testing.assert_array_equal(embed(tagger, *photos), expected)

    @pytest.mark.parametrize("seed", range(30))
    def test_any_damage_to_the_file_changes_no_embedding(self, tagger, photos: list[Path], file: Path, seed: int):
        expected = embed(tagger, *photos)
        random = np.random.default_rng(seed)
        content = bytearray(file.read_bytes())
        for place in random.integers(0, len(content), random.integers(1, 2000)):
            content[place] = random.integers(256)
        file.write_bytes(content[: random.integers(len(content) // 2, len(content))])

        for _ in range(2):
            np.testing.assert_array_equal(embed(tagger, *photos), expected)

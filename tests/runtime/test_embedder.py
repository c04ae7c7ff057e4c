"""Many photos to embeddings: in order, errors in their places, never far ahead of whoever takes them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.core.types import Arithmetic, ByteArray, FloatArray
from vectortag.runtime.embedder import GROUP, GROUPS_PER_THREAD, LARGEST_IN_BATCHES, Embedder, embeddings_of
from vectortag.runtime.pixels import Photo, PixelRecipe
from vectortag.runtime.session import Engine, Session, open_session

SIZE = 32


@dataclass
class WatchedSession:
    """A session that remembers what its network was called with.

    Attributes:
        calls: for each call of several threads, how many images it had and how many of them a run.
        alone: how many images calls that had the session to themselves had.
    """

    session: Session
    runtime: Engine = "openvino"
    threads: int = 2
    precision: Arithmetic = "f32"
    batch: int = 1
    calls: list[tuple[int, int]] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)

    def run(self, images: ByteArray, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
        if concurrent:
            self.calls.append((len(images), batch))
        else:
            self.alone.append(len(images))
        return self.session.run(images, batch=batch, concurrent=concurrent)

    @property
    def seen(self) -> int:
        return sum(images for images, _ in self.calls)


@pytest.fixture
def watched(tiny_model: Path) -> WatchedSession:
    return WatchedSession(open_session(tiny_model / "model.onnx"))


@pytest.fixture
def embedder(watched: WatchedSession) -> Embedder:
    return Embedder(watched, PixelRecipe(), SIZE)


def pictures(count: int) -> list[ByteArray]:
    """Different photos in memory, which cost no decoding."""
    return list(np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8))


def counted(photos: Iterable[Photo], taken: list[Photo]) -> Iterator[Photo]:
    for photo in photos:
        taken.append(photo)
        yield photo


def working_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("photos")]


def test_an_embedding_is_the_mean_over_the_cells():
    maps = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)

    np.testing.assert_array_equal(embeddings_of(maps), [[5.5, 17.5]])


def test_one_photos_feature_map_gives_its_embedding(embedder: Embedder, make_photo: Callable[..., Path]):
    photo = make_photo()

    ((_, embedding),) = embedder.embed_many([photo])

    np.testing.assert_allclose(embedding, embedder.feature_map(photo).mean(axis=(1, 2)), atol=1e-5)


def test_a_photo_that_cannot_be_read_stops_one_photo_alone(embedder: Embedder, tmp_path: Path):
    with pytest.raises(PhotoError, match="gone"):
        embedder.feature_map(tmp_path / "gone.jpg")


def test_many_photos_come_back_in_their_order_with_their_own_embeddings(embedder: Embedder):
    photos = pictures(35)

    results = list(embedder.embed_many(photos))

    assert all(result[0] is photo for result, photo in zip(results, photos, strict=True))
    expected = embedder.embed(np.stack([embedder.pixels(photo) for photo in photos]))
    np.testing.assert_allclose(np.stack([embedding for _, embedding in results]), expected, atol=1e-5)
    assert len(np.unique(expected, axis=0)) == len(photos)


def test_errors_stand_in_the_place_of_their_photos(embedder: Embedder, tmp_path: Path, make_photo: Callable[..., Path]):
    broken = tmp_path / "broken.jpg"
    broken.write_text("not a photo")
    good = [make_photo(f"{seed}.jpg", seed=seed) for seed in range(3)]
    photos = [good[0], broken, good[1], tmp_path / "gone.jpg", good[2]]

    results = dict(embedder.embed_many(photos))

    assert list(results) == photos
    assert [photo for photo in photos if isinstance(results[photo], PhotoError)] == [photos[1], photos[3]]
    for photo in good:
        np.testing.assert_allclose(results[photo], embedder.feature_map(photo).mean(axis=(1, 2)), atol=1e-5)


def test_broken_photos_never_reach_the_network(embedder: Embedder, watched: WatchedSession, tmp_path: Path):
    photos: list[Photo] = [tmp_path / "gone.jpg"] * 5 + pictures(2) + [tmp_path / "gone.jpg"]

    list(embedder.embed_many(photos))

    assert watched.seen == 2


def test_a_single_photo_has_all_cores_and_the_same_embedding(embedder: Embedder, watched: WatchedSession):
    (photo,) = pictures(1)

    ((same, embedding),) = embedder.embed_many(iter([photo]))

    assert same is photo
    assert (watched.alone, watched.seen) == ([1], 0)
    np.testing.assert_array_equal(embedding, next(embedder.embed_many([photo, photo]))[1])
    assert watched.seen > 0


def test_a_single_photo_that_cannot_be_read_is_an_error_in_its_place(embedder: Embedder, tmp_path: Path):
    ((_, error),) = embedder.embed_many([tmp_path / "gone.jpg"])

    assert isinstance(error, PhotoError)


def test_no_photos_have_no_embeddings(embedder: Embedder, watched: WatchedSession):
    assert list(embedder.embed_many([])) == []
    assert watched.seen == 0


@pytest.mark.parametrize(("cores", "threads"), [(2, 3), (8, 2)])
def test_photos_are_taken_no_more_than_a_few_groups_ahead(
    embedder: Embedder, watched: WatchedSession, monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
):
    monkeypatch.setattr("vectortag.runtime.embedder.usable_cores", lambda: cores)
    taken: list[Photo] = []

    for given, _ in enumerate(embedder.embed_many(counted(pictures(200), taken)), start=1):
        assert given <= len(taken) <= given + GROUPS_PER_THREAD * GROUP * threads
        assert len(working_threads()) <= threads

    assert len(taken) == 200


class TestGroups:
    """How many photos a thread brings to the network per call."""

    @pytest.mark.parametrize("count", [2 * GROUP, 2 * GROUP + 3])
    def test_many_photos_are_computed_in_groups(self, embedder: Embedder, watched: WatchedSession, count: int):
        assert len(list(embedder.embed_many(pictures(count)))) == count
        assert sorted(watched.calls, reverse=True) == [(GROUP, 1)] * 2 + [(3, 1)] * (count % GROUP > 0)

    def test_what_cannot_be_read_stops_nothing_else_of_its_group(
        self, embedder: Embedder, watched: WatchedSession, tmp_path: Path
    ):
        missing: list[Photo] = [tmp_path / f"{n}.jpg" for n in range(GROUP)]
        photos = [*pictures(2), missing[0], *pictures(GROUP - 3), *missing, *pictures(2)]

        failed = [isinstance(result, PhotoError) for _, result in embedder.embed_many(photos)]

        assert failed == [isinstance(photo, Path) for photo in photos]
        assert sorted(watched.calls) == [(2, 1), (GROUP - 1, 1)]

    def test_photos_that_do_not_fill_a_group_per_core_are_computed_one_by_one(
        self, embedder: Embedder, watched: WatchedSession
    ):
        watched.batch = 4

        assert len(list(embedder.embed_many(pictures(2 * GROUP - 1)))) == 2 * GROUP - 1
        assert watched.calls == [(1, 1)] * (2 * GROUP - 1)

    @pytest.mark.parametrize(("size", "batch"), [(LARGEST_IN_BATCHES, 4), (LARGEST_IN_BATCHES + 32, 1)])
    def test_groups_are_computed_in_batches_unless_the_images_are_large(
        self, embedder: Embedder, watched: WatchedSession, size: int, batch: int
    ):
        watched.batch = 4

        list(embedder.at(size).embed_many(pictures(2 * GROUP)))

        assert watched.calls == [(GROUP, batch)] * 2

    def test_a_batch_that_is_larger_than_a_group_is_brought_whole(self, embedder: Embedder, watched: WatchedSession):
        watched.batch = 2 * GROUP

        list(embedder.embed_many(pictures(4 * GROUP)))

        assert watched.calls == [(2 * GROUP, 2 * GROUP)] * 2

    def test_each_photo_of_a_group_has_its_own_feature_map(self, embedder: Embedder, watched: WatchedSession):
        watched.batch = 4
        photos = pictures(2 * GROUP + 3)

        for photo, feature_map in embedder.feature_maps(photos):
            np.testing.assert_allclose(feature_map, embedder.feature_map(photo), atol=1e-5)


@pytest.mark.parametrize(("precision", "same"), [("f32", True), ("bf16", False), ("int8", False)])
def test_only_float32_has_pillow_s_pixels_to_the_last_bit(
    embedder: Embedder,
    watched: WatchedSession,
    need_module: Callable[[str], ModuleType],
    precision: Arithmetic,
    same: bool,
):
    need_module("cykooz_resizer")
    photo = np.random.default_rng(0).integers(0, 256, (61, 47, 3), np.uint8)
    pillow = np.asarray(Image.fromarray(photo).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    watched.precision = precision

    pixels = embedder.pixels(photo)

    assert np.array_equal(pixels, pillow) == same
    assert np.abs(pixels.astype(int) - pillow).max() <= 2


def test_nothing_is_taken_before_the_first_result_is_wanted(embedder: Embedder):
    taken: list[Photo] = []

    embedder.embed_many(counted(pictures(3), taken))

    assert taken == []


def test_results_of_an_endless_stream_can_be_left_at_any_time(embedder: Embedder):
    results = embedder.embed_many(itertools.cycle(pictures(3)))
    next(results)
    assert working_threads()

    results.close()

    assert working_threads() == []


def test_an_error_of_the_stream_of_photos_is_not_swallowed(embedder: Embedder):
    def failing() -> Iterator[Photo]:
        yield from pictures(1)
        raise PhotoError("no such folder")

    with pytest.raises(PhotoError, match="no such folder"):
        list(embedder.embed_many(failing()))
    assert working_threads() == []

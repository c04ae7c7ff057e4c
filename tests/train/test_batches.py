"""Which photos make a batch and what is in it: functions of seed, epoch and step, in one process or several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.types import UNKNOWN
from vectortag.train.config import TrainConfig
from vectortag.train.sections import AugmentConfig

PHOTOS = 22


@pytest.fixture
def batches(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.batches")


@pytest.fixture
def to_float(torch: Any, need_module: Callable[[str], ModuleType]) -> Callable[[np.ndarray], Any]:
    losses = need_module("vectortag.train.losses")
    return lambda targets: losses.to_float(torch.from_numpy(targets))


@pytest.fixture
def targets() -> np.ndarray:
    """(22, 3): a frequent tag, one that two photos have, one that is unknown for some."""
    targets = np.zeros((PHOTOS, 3), np.uint8)
    targets[:, 0], targets[4:6, 1], targets[:5, 2] = 1, 1, UNKNOWN
    return targets


@pytest.fixture
def photos() -> np.ndarray:
    """(22, 32, 32, 3) random pixels."""
    return np.random.default_rng(0).integers(0, 256, (PHOTOS, 32, 32, 3), np.uint8)


@pytest.fixture
def order(batches: Any, targets: np.ndarray) -> Callable[..., list[list[int]]]:
    """order(epoch=0, rank=0, world=1, batch_size=4): the rows of each batch of an epoch."""

    def rows(*, epoch: int = 0, rank: int = 0, world: int = 1, **settings: Any) -> list[list[int]]:
        sampler = batches.BatchSampler(config(**settings), targets, rank=rank, world=world)
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert len(drawn) == len(sampler)
        assert [(batch.epoch, batch.step) for batch in drawn] == [(epoch, step) for step in range(len(drawn))]
        return [batch.rows.tolist() for batch in drawn]

    return rows


def test_unnamed_tags_count_as_absent_in_a_share_of_the_batches(batches, to_float):
    targets = np.full((400, 5), UNKNOWN, np.uint8)
    unnamed = np.ones(targets.shape, bool)
    unnamed[:, 4] = False
    source = batches.CachedViews((np.zeros((400, 2), np.float32),), 0)
    drawing = batches.Batches(source, to_float(targets), unnamed=unnamed, share=0.25, seed=1)
    batch = batches.Batch(0, 0, np.arange(400))

    _, drawn = drawing[batch]

    assert (drawn[:, :4] == 0).float().mean().item() == pytest.approx(0.25, abs=0.04)
    assert drawn[:, 4].isnan().all()
    assert drawing[batch][1].isnan().equal(drawn.isnan())
    assert not drawing[batches.Batch(1, 0, np.arange(400))][1].isnan().equal(drawn.isnan())


def test_several_processes_draw_what_one_draws(batches, targets, to_float, torch):
    random = np.random.default_rng(0)
    views = tuple(random.random((PHOTOS, 2), np.float32) for _ in range(3))
    made = batches.Batches(
        batches.CachedViews(views, seed=1), to_float(targets), unnamed=targets == UNKNOWN, share=0.5, seed=1
    )

    def drawn(rank: int, world: int) -> tuple[Any, Any]:
        return made[next(iter(batches.BatchSampler(config(batch_size=PHOTOS), targets, rank=rank, world=world)))]

    inputs, known = drawn(0, 1)
    for rank in range(2):
        own = drawn(rank, 2)
        torch.testing.assert_close(own[0], inputs[rank::2], rtol=0, atol=0)
        torch.testing.assert_close(own[1], known[rank::2], rtol=0, atol=0, equal_nan=True)


def config(**settings: Any) -> TrainConfig:
    data = [{"name": "photos", "csv": "photos"}]
    return TrainConfig.model_validate({"name": "mine", "data": data, "batch_size": 4, **settings})


def joined(batches: list[list[int]]) -> list[int]:
    return [row for batch in batches for row in batch]


class TestOrder:
    @pytest.mark.parametrize("sampler", ["shuffle", "rarity"])
    def test_it_is_a_function_of_seed_and_epoch(self, order, sampler):
        first = order(seed=1, epoch=3, sampler=sampler)

        assert order(seed=1, epoch=3, sampler=sampler) == first
        assert order(seed=2, epoch=3, sampler=sampler) != first
        assert order(seed=1, epoch=4, sampler=sampler) != first

    def test_each_photo_comes_once_an_epoch_less_the_rest_that_fills_no_batch(self, order):
        drawn = order()

        assert [len(batch) for batch in drawn] == [4] * 5
        assert len(set(joined(drawn))) == 20

    def test_every_photo_has_its_turn_within_a_few_epochs(self, order):
        assert {row for epoch in range(5) for row in joined(order(epoch=epoch))} == set(range(PHOTOS))

    def test_a_short_batch_is_kept_where_it_is_the_only_one(self, order):
        (batch,) = order(batch_size=64)

        assert sorted(batch) == list(range(PHOTOS))

    def test_rarity_draws_photos_with_rare_tags_more_often(self, order):
        drawn = [row for epoch in range(60) for row in joined(order(epoch=epoch, sampler="rarity"))]

        rare, common = (np.mean([drawn.count(row) for row in rows]) for rows in ((4, 5), (0, 1, 10, 21)))
        assert rare / common == pytest.approx(np.sqrt(PHOTOS / 2), rel=0.25)

    @pytest.mark.parametrize("world", [2, 4])
    def test_several_processes_share_each_batch_of_one(self, order, world: int):
        alone = order()

        parts = [order(rank=rank, world=world) for rank in range(world)]

        assert [sorted(joined(shares)) for shares in zip(*parts, strict=True)] == [sorted(batch) for batch in alone]
        assert {len(share) for part in parts for share in part} == {4 // world}

    def test_several_processes_share_the_batches_of_validation(self, batches):
        parts = [[batch.rows.tolist() for batch in batches.InOrder(23, 4, rank=rank, world=3)] for rank in range(3)]

        assert sorted(joined([row for part in parts for row in part])) == list(range(23))
        assert [len(part) for part in parts] == [2, 2, 2]

    @pytest.mark.parametrize("count", [3, 4, 5, 64])
    def test_each_process_has_a_batch_of_validation_even_if_one_would_hold_all(self, batches, count: int):
        parts = [[batch.rows.tolist() for batch in batches.InOrder(count, 64, rank=rank, world=3)] for rank in range(3)]

        assert all(parts)
        assert sorted(joined([row for part in parts for row in part])) == list(range(count))

    @pytest.mark.parametrize(("count", "sizes"), [(8, [4, 4]), (9, [4, 4, 1]), (3, [3])])
    def test_validation_goes_through_all_photos_in_order(self, batches, count, sizes):
        sampler = batches.InOrder(count, 4)

        rows = [batch.rows.tolist() for batch in sampler]

        assert [len(batch) for batch in rows] == sizes
        assert joined(rows) == list(range(count))
        assert len(sampler) == len(sizes)


class TestSources:
    @pytest.fixture
    def batch(self, batches: Any) -> Callable[..., Any]:
        """batch(3, 1, epoch=0, step=0): of these rows."""
        return lambda *rows, epoch=0, step=0: batches.Batch(epoch, step, np.array(rows))

    def test_plain_photos_are_as_they_are_even_from_a_file(self, batches, batch, photos, tmp_path: Path):
        np.save(tmp_path / "photos.npy", photos)
        source = batches.PlainPhotos(np.load(tmp_path / "photos.npy", mmap_mode="r"))

        assert len(source) == PHOTOS
        np.testing.assert_array_equal(source.inputs(batch(3, 1)).numpy(), photos[[3, 1]])

    def test_augmented_photos_are_drawn_anew_each_epoch_whatever_the_batch(self, batches, batch, photos):
        source = batches.AugmentedPhotos(photos, 24, AugmentConfig(), seed=1)

        alone, among, later = (source.inputs(of) for of in (batch(3), batch(0, 3, step=9), batch(3, epoch=1)))

        assert among.shape == (2, 24, 24, 3)
        assert among.is_contiguous()
        assert alone[0].equal(among[1])
        assert not alone.equal(later)

    def test_augmented_photos_without_augmentation_are_the_photos(self, batches, batch, photos):
        off = AugmentConfig(resize=None, flip=0, rotation=0, jitter=(0, 0, 0, 0))

        images = batches.AugmentedPhotos(photos, 32, off, seed=1).inputs(batch(5, 2))

        np.testing.assert_array_equal(images.numpy(), photos[[5, 2]])

    def test_cached_views_are_picked_by_epoch(self, batches, batch, torch):
        views = tuple(np.full((PHOTOS, 2), 100 * view, np.float16) + np.arange(PHOTOS)[:, None] for view in range(3))
        source = batches.CachedViews(tuple(view.astype(np.float16) for view in views), seed=1)

        epochs = [source.inputs(batch(*range(PHOTOS), epoch=epoch)) for epoch in (0, 0, 1)]

        assert len(source) == PHOTOS
        assert epochs[0].dtype == torch.float32
        for inputs in epochs:
            assert (inputs[:, 0] % 100).tolist() == list(range(PHOTOS))
            assert set((inputs[:, 0] // 100).tolist()) == {0, 1, 2}
        assert epochs[0].equal(epochs[1])
        assert not epochs[0].equal(epochs[2])


class TestMixup:
    @pytest.fixture
    def mixed(self, batches: Any, targets: np.ndarray, to_float: Any) -> Callable[..., tuple[Any, Any]]:
        """mixed(alpha=1.0, epoch=0, step=0): a batch of all photos, each of which is its own unit vector, mixed."""

        def mix(*, alpha: float = 1.0, epoch: int = 0, step: int = 0) -> tuple[Any, Any]:
            source = batches.CachedViews((np.eye(PHOTOS, dtype=np.float32),), seed=1)
            made = batches.Batches(source, to_float(targets), mixup=alpha, seed=1)
            return made[batches.Batch(epoch, step, np.arange(PHOTOS))]

        return mix

    def test_each_photo_is_mixed_with_another_and_so_are_their_targets(self, mixed, targets, torch):
        inputs, mixtures = mixed()

        share = inputs.diagonal().min()
        assert 0 < share < 1
        torch.testing.assert_close(inputs.sum(dim=1), torch.ones(PHOTOS))
        torch.testing.assert_close(mixtures[:, :2], inputs @ torch.from_numpy(targets[:, :2]).float())
        assert ((mixtures[:, 1] > 0) & (mixtures[:, 1] < 1)).any()

    def test_unknown_in_either_photo_is_unknown_in_the_mixture(self, mixed, targets, torch):
        inputs, mixtures = mixed()

        part_unknown = (inputs[:, torch.from_numpy(targets[:, 2] == UNKNOWN)] > 0).any(dim=1)
        assert mixtures[:, 2].isnan().equal(part_unknown)
        assert 5 < part_unknown.sum() < PHOTOS

    def test_it_is_a_function_of_epoch_and_step(self, mixed):
        first = mixed(epoch=1, step=2)[0]

        assert mixed(epoch=1, step=2)[0].equal(first)
        assert not mixed(epoch=2, step=2)[0].equal(first)
        assert not mixed(epoch=1, step=3)[0].equal(first)

    def test_photos_stay_bytes(self, batches, photos, targets, to_float, torch):
        made = batches.Batches(batches.PlainPhotos(photos), to_float(targets), mixup=1.0)

        assert made[batches.Batch(0, 0, np.arange(4))][0].dtype == torch.uint8

    def test_without_it_a_batch_is_photos_and_their_targets(self, batches, photos, targets, to_float, torch):
        whole = batches.Batches(batches.PlainPhotos(photos), to_float(targets))
        inputs, made = whole[batches.Batch(0, 0, np.array([5, 0]))]

        np.testing.assert_array_equal(inputs.numpy(), photos[[5, 0]])
        torch.testing.assert_close(made, torch.tensor([[1, 1, 0], [1, 0, torch.nan]]), equal_nan=True)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # from Python 3.12 on, beside threads
def test_worker_processes_make_the_same_batches(batches, photos, targets, to_float, torch):
    settings = config(augment={"scale": 0.5, "erasing": 0.5, "mixup": 0.4})

    def two_epochs(workers: int) -> list[tuple[Any, Any]]:
        source = batches.AugmentedPhotos(photos, 24, settings.augment, settings.seed)
        sampler = batches.BatchSampler(settings, targets)
        loader = batches.loader(
            batches.Batches(source, to_float(targets), mixup=settings.augment.mixup, seed=1), sampler, workers=workers
        )
        drawn = []
        for epoch in (0, 1):
            sampler.set_epoch(epoch)
            drawn += list(loader)
        return drawn

    alone, helped = two_epochs(0), two_epochs(2)

    assert len(alone) == 10
    for (inputs, made), (other_inputs, other_made) in zip(alone, helped, strict=True):
        assert inputs.equal(other_inputs)
        torch.testing.assert_close(made, other_made, equal_nan=True, rtol=0, atol=0)


def test_a_set_smaller_than_a_batch_gives_every_process_its_part(order):
    first, second = (order(rank=rank, world=2, batch_size=64) for rank in (0, 1))

    assert [len(rows) for rows in first + second] == [PHOTOS // 2, PHOTOS // 2]
    assert not set(first[0]) & set(second[0])

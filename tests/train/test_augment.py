"""Augmentation: each draw depends on seed, epoch and photo alone, and each kind does what it says."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.train.sections import AugmentConfig

OFF: dict[str, Any] = {"resize": None, "flip": 0.0, "rotation": 0.0, "jitter": (0.0, 0.0, 0.0, 0.0)}
EVERYTHING = {"scale": 0.5, "erasing": 1.0, "rand_augment": 2}
SEEDS = range(8)


@pytest.fixture
def torch(need_module: Callable[[str], ModuleType]) -> Any:
    need_module("torchvision")
    return need_module("torch")


@pytest.fixture
def module(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.augment")


@pytest.fixture
def photo(torch: Any) -> Any:
    """A photo of random pixels, (3, 40, 40) uint8."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 40, 40), np.uint8))


@pytest.fixture
def augment(module: Any, torch: Any) -> Callable[..., Any]:
    """augment(photo, size=40, seed=0, epoch=0, row=0, flip=1.0): everything is off but what is named."""

    def run(photo: Any, *, size: int = 40, seed: int = 0, epoch: int = 0, row: int = 0, **settings: Any) -> Any:
        config = AugmentConfig(**{**OFF, **settings})
        changed = module.augment(photo.permute(1, 2, 0).numpy(), size, config, module.draws(seed, epoch, row))
        return torch.from_numpy(changed).permute(2, 0, 1)

    return run


@pytest.fixture
def grey(torch: Any, module: Any) -> Any:
    """The mean colour, (3, 1, 1)."""
    return torch.tensor(module.GREY, dtype=torch.uint8)[:, None, None]


class TestDraws:
    def test_the_same_photo_in_the_same_epoch_is_changed_in_the_same_way(self, augment, photo):
        first, second = (augment(photo, seed=3, epoch=5, row=7, **EVERYTHING) for _ in range(2))

        assert first.equal(second)

    @pytest.mark.parametrize("changed", ["seed", "epoch", "row"])
    def test_another_seed_epoch_or_photo_is_changed_in_another_way(self, augment, photo, changed):
        place = {"seed": 3, "epoch": 5, "row": 7}

        first, second = (augment(photo, **place | {changed: value}, **EVERYTHING) for value in (1, 2))

        assert not first.equal(second)

    def test_global_random_numbers_neither_matter_nor_change(self, augment, photo, torch):
        first = augment(photo, **EVERYTHING)
        torch.rand(3), np.random.random(3), random.random()
        state, numpys, pythons = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()

        second = augment(photo, **EVERYTHING)

        assert first.equal(second)
        assert torch.get_rng_state().equal(state)
        assert np.random.get_state()[1].tolist() == numpys
        assert random.getstate() == pythons


def test_with_everything_off_a_photo_stays_as_it_is(augment, photo):
    assert augment(photo).equal(photo)


def test_the_photo_itself_is_never_changed(augment, photo):
    before = photo.clone()

    augment(photo, flip=1.0, rotation=20.0, jitter=(0.5, 0.5, 0.5, 0.5), **EVERYTHING)

    assert photo.equal(before)


class TestCrop:
    @pytest.mark.parametrize("scale", [0.001, 0.3, 1.0])
    @pytest.mark.parametrize("shape", [(40, 40), (40, 24), (16, 40), (1, 40)])
    def test_it_has_the_size_of_the_network(self, augment, photo, torch, scale, shape):
        image = photo[:, : shape[0], : shape[1]]

        for seed in SEEDS:
            cropped = augment(image, size=24, scale=scale, seed=seed)
            assert (cropped.shape, cropped.dtype) == ((3, 24, 24), torch.uint8)

    def test_at_scale_1_it_is_a_window_of_the_photo(self, augment, photo):
        windows = photo.unfold(1, 37, 1).unfold(2, 37, 1)  # (3, 4, 4, 37, 37)

        places = set()
        for seed in range(40):
            cropped = augment(photo, size=37, seed=seed)
            (place,) = (windows == cropped[:, None, None]).all(dim=4).all(dim=3).all(dim=0).nonzero().tolist()
            places.add(tuple(place))

        assert len(places) > 8
        assert {row for row, _ in places} == {column for _, column in places} == {0, 1, 2, 3}

    def test_below_scale_1_it_shows_from_that_share_to_all_of_the_photo(self, augment, torch):
        ramp = torch.arange(40, dtype=torch.uint8).mul(6).expand(3, 40, 40)

        spans = [
            int(image.max()) - int(image.min()) for image in (augment(ramp, scale=0.25, seed=s) for s in range(30))
        ]

        assert max(spans) > 0.85 * 6 * 39
        assert 0.4 * 6 * 39 < min(spans) < 0.7 * 6 * 39  # a quarter of the area, up to 4 / 3 as high as wide


class TestFlip:
    def test_a_flip_is_the_exact_mirror_image(self, augment, photo):
        assert augment(photo, flip=1.0).equal(photo.flip(2))

    def test_half_of_the_photos_are_flipped_at_a_half(self, augment, photo):
        flipped = sum(augment(photo, flip=0.5, row=row).equal(photo.flip(2)) for row in range(200))

        assert 70 < flipped < 130


class TestRotation:
    def test_the_corners_are_filled_with_the_mean_colour(self, augment, torch, grey):
        white = torch.full((3, 40, 40), 255, dtype=torch.uint8)

        rotated = [augment(white, rotation=45.0, seed=seed) for seed in SEEDS]

        assert any((image[:, :2, :2] == grey).all() for image in rotated)
        assert all((image[:, 15:25, 15:25] == 255).all() for image in rotated)

    def test_it_goes_to_either_side_and_no_further_than_asked_for(self, augment, torch):
        photo = torch.zeros(3, 40, 40, dtype=torch.uint8)
        photo[:, :12, 19:21] = 255  # a hand that points up from the centre, to 20 pixels above it

        tips = [augment(photo, rotation=20.0, seed=seed)[0, 8, 10:30].float() for seed in range(20)]  # not the corners

        places = [float((tip * torch.arange(10, 30)).sum() / tip.sum()) - 19.5 for tip in tips]
        furthest = 12 * np.tan(np.deg2rad(20))
        assert -furthest - 1 < min(places) < -1
        assert 1 < max(places) < furthest + 1


class _Ends:
    """Random numbers that are always as high as they can be."""

    def random(self) -> float:
        return 1.0

    def uniform(self, _low: float, high: float) -> float:
        return high

    def integers(self, end: int) -> int:
        return end - 1


class TestJitter:
    @pytest.mark.parametrize("place", range(4))
    def test_each_of_the_four_changes_a_photo(self, augment, photo, place):
        jitter = tuple(0.4 if place == other else 0.0 for other in range(4))

        assert not augment(photo, jitter=jitter).equal(photo)

    def test_brightness_goes_both_ways_by_up_to_its_share(self, augment, torch):
        middle = torch.full((3, 40, 40), 100, dtype=torch.uint8)

        values = [int(augment(middle, jitter=(0.3, 0.0, 0.0, 0.0), seed=seed)[0, 0, 0]) for seed in range(40)]

        assert 69 <= min(values) < 80
        assert 120 < max(values) <= 130

    def test_contrast_is_about_the_mean_brightness(self, augment, torch):
        halves = torch.full((3, 40, 40), 80, dtype=torch.uint8)
        halves[:, :20] = 120

        for seed in SEEDS:
            changed = augment(halves, jitter=(0.0, 0.5, 0.0, 0.0), seed=seed)
            low, high = int(changed[0, 30, 0]), int(changed[0, 10, 0])
            assert low + high == pytest.approx(200, abs=1)
            assert 19 <= high - low <= 61

    def test_saturation_and_hue_leave_the_brightness_of_a_colour_as_it_is(self, augment, torch):
        colour = torch.tensor([130, 100, 110], dtype=torch.uint8)[:, None, None].expand(3, 40, 40)
        weights = torch.tensor([0.299, 0.587, 0.114])

        changed = [augment(colour, jitter=(0.0, 0.0, 0.5, 0.5), seed=seed)[:, 0, 0].float() for seed in range(20)]

        for values in changed:
            assert float(weights @ values) == pytest.approx(float(weights @ colour[:, 0, 0].float()), abs=1)
        assert len({tuple(values.tolist()) for values in changed}) > 15

    def test_hue_turned_by_half_the_circle_is_the_opposite_colour(self, module):
        config = AugmentConfig(**{**OFF, "jitter": (0.0, 0.0, 0.0, 0.5)})
        colour = np.full((8, 8, 3), [120, 100, 100], np.uint8)

        (opposite,) = np.unique(module.augment(colour, 8, config, _Ends()).reshape(-1, 3), axis=0)

        brightness = 0.299 * 120 + 0.701 * 100
        np.testing.assert_allclose(opposite, 2 * brightness - colour[0, 0], atol=1)

    def test_hue_leaves_grey_alone(self, augment, torch):
        middle = torch.full((3, 40, 40), 100, dtype=torch.uint8)

        assert augment(middle, jitter=(0.0, 0.0, 0.0, 0.5)).equal(middle)


class TestErasing:
    def test_a_rectangle_becomes_the_mean_colour_and_the_rest_stays(self, augment, torch, grey):
        white = torch.full((3, 40, 40), 255, dtype=torch.uint8)

        for seed in SEEDS:
            image = augment(white, erasing=1.0, seed=seed)
            erased = (image == grey).all(dim=0)  # (40, 40)
            rows, columns = erased.any(dim=1), erased.any(dim=0)
            assert erased.equal(rows[:, None] & columns[None])
            assert 0.01 * 1600 < erased.sum() < 0.37 * 1600  # 2 to 33 %, rounded to whole pixels
            assert (image[:, ~erased] == 255).all()


class TestRandAugment:
    @pytest.mark.parametrize("magnitude", [0, 9, 30])
    def test_it_keeps_size_and_type(self, augment, photo, torch, magnitude):
        for seed in range(30):  # of nine operations
            image = augment(photo, rand_augment=1, rand_magnitude=magnitude, seed=seed)
            assert (image.shape, image.dtype) == (photo.shape, torch.uint8)

    def test_more_operations_change_more(self, augment, photo):
        def change(operations: int) -> float:
            images = [augment(photo, rand_augment=operations, seed=seed) for seed in range(20)]
            return float(np.mean([(image.float() - photo.float()).abs().mean() for image in images]))

        assert 0 < change(1) < change(3)

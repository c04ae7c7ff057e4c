"""Which photos show one picture: copies of real photos do, different photos do not, however close their hashes are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy.fft import dctn
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from vectortag.core.errors import PhotoError
from vectortag.data.duplicates import DISTANCE, FINGERPRINT, duplicate_groups, fingerprint, read_fingerprints

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.jpg"))
PhotoChange = Callable[[Image.Image], Image.Image]


def groups_of(*paths: Path) -> list[tuple[int, ...]]:
    return duplicate_groups(np.array(list(read_fingerprints(paths)), FINGERPRINT))


def changed(photo: Path, folder: Path, change: PhotoChange, **options: int) -> Path:
    """The photo after a change, saved as a file of its own."""
    copy = folder / f"changed-{photo.name}"
    with Image.open(photo) as image:
        change(image).save(copy, **options)
    return copy


def shrunk(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def trimmed(image: Image.Image) -> Image.Image:
    return ImageOps.crop(image, min(image.size) // 100)


def turned_sideways(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def prints_of(hashes: list[int], *, seed: int | None = None) -> np.ndarray:
    """Fingerprints with these hashes and one thumbnail; with a seed, a random thumbnail for each."""
    prints = np.zeros(len(hashes), FINGERPRINT)
    prints["hash"] = hashes
    shape = (16, 16) if seed is None else (len(hashes), 16, 16)
    prints["thumbnail"] = np.random.default_rng(seed or 0).integers(0, 256, shape, np.uint8)
    return prints


class TestPhotos:
    @pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
    @pytest.mark.parametrize(
        "change",
        [
            shrunk,
            trimmed,
            ImageOps.grayscale,
            lambda image: ImageEnhance.Brightness(image).enhance(1.2),
            lambda image: ImageEnhance.Contrast(image).enhance(0.8),
        ],
        ids=["shrunk", "trimmed", "grey", "brighter", "flatter"],
    )
    def test_a_changed_copy_saved_again_is_a_duplicate(self, photo: Path, change: PhotoChange, tmp_path: Path):
        assert groups_of(photo, changed(photo, tmp_path, change, quality=50)) == [(0, 1)]

    @pytest.mark.parametrize("change", [ImageOps.mirror, turned_sideways])
    def test_a_mirrored_or_turned_photo_is_another_picture(self, change: PhotoChange, tmp_path: Path):
        assert groups_of(*PHOTOS, *(changed(photo, tmp_path, change) for photo in PHOTOS)) == []

    def test_a_photo_that_is_turned_by_its_metadata_is_the_upright_one(self, tmp_path: Path):
        exif = Image.Exif()
        exif[0x0112] = 6  # orientation: show it turned by 90 degrees clockwise
        with Image.open(PHOTOS[0]) as image:
            turned_sideways(image).save(tmp_path / "turned.jpg", exif=exif)

        assert groups_of(PHOTOS[0], tmp_path / "turned.jpg") == [(0, 1)]

    def test_different_photos_have_no_duplicates(self):
        assert len(PHOTOS) >= 12
        assert groups_of(*PHOTOS) == []

    def test_photos_of_one_colour_are_duplicates_only_of_the_same_colour(self, tmp_path: Path):
        for name, colour in (("black", "black"), ("white", "white"), ("more black", "black")):
            Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")

        assert groups_of(*(tmp_path / f"{name}.png" for name in ("black", "white", "more black"))) == [(0, 2)]

    def test_a_photo_that_cannot_be_read_has_an_error_in_its_place(self, tmp_path: Path):
        (tmp_path / "broken.jpg").write_text("not a photo")

        first, broken, last = read_fingerprints([PHOTOS[0], tmp_path / "broken.jpg", PHOTOS[1]])

        assert isinstance(broken, PhotoError)
        assert "broken.jpg: not a photo" in str(broken)
        assert (first["hash"], last["hash"]) == tuple(one["hash"] for one in read_fingerprints(PHOTOS[:2]))
        assert first["hash"] != last["hash"]


class TestFingerprint:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)

    def test_the_hash_is_the_low_frequencies_of_scipys_cosine_transform_above_their_median(self):
        grey = self.pixels @ np.array([0.299, 0.587, 0.114])
        waves = dctn(grey, type=2)[1:9, 1:9]

        hashed = np.array([fingerprint(self.pixels)["hash"]])

        assert np.unpackbits(hashed.view(np.uint8)).tolist() == (waves > np.median(waves)).ravel().tolist()

    def test_the_thumbnail_is_the_photo_in_grey_at_half_its_size(self):
        grey = Image.fromarray(self.pixels).convert("L").resize((16, 16), Image.Resampling.BOX)

        difference = fingerprint(self.pixels)["thumbnail"].astype(int) - np.asarray(grey)

        assert np.abs(difference).max() <= 1


class TestGroups:
    def test_the_pairs_are_those_that_comparing_every_hash_with_every_other_one_finds(self):
        generator = np.random.default_rng(4)
        hashes = [int(value) for value in generator.integers(0, 2**64, 60, np.uint64)]
        for bits in [*range(16)] * 20:
            flipped = sum(1 << int(bit) for bit in generator.choice(64, bits, replace=False))
            hashes.append(hashes[int(generator.integers(60))] ^ flipped)

        close = [[(one ^ other).bit_count() <= DISTANCE for other in hashes] for one in hashes]
        count, labels = connected_components(csr_matrix(close))
        expected = [tuple(np.flatnonzero(labels == label).tolist()) for label in range(count)]

        assert len(expected) > 60
        assert duplicate_groups(prints_of(hashes)) == sorted(group for group in expected if len(group) > 1)

    @pytest.mark.parametrize(("bits", "groups"), [(DISTANCE, [(0, 1)]), (DISTANCE + 1, [])])
    @pytest.mark.parametrize("seed", range(10))
    def test_hashes_may_differ_in_so_many_bits_wherever_they_are(self, bits: int, groups: list, seed: int):
        flipped = sum(1 << int(bit) for bit in np.random.default_rng(seed).choice(64, bits, replace=False))

        assert duplicate_groups(prints_of([2**40, 2**40 ^ flipped])) == groups

    def test_equal_hashes_of_different_thumbnails_are_no_duplicates(self):
        assert duplicate_groups(prints_of([7, 7])) == [(0, 1)]
        assert duplicate_groups(prints_of([7, 7], seed=1)) == []

    def test_a_thumbnail_of_one_colour_is_like_no_other(self):
        prints = prints_of([7, 7])
        prints["thumbnail"][1] = 128

        assert duplicate_groups(prints) == []

    def test_brightness_and_contrast_do_not_count(self):
        prints = prints_of([7, 7])
        prints["thumbnail"][1] = prints["thumbnail"][0] // 2 + 100

        assert duplicate_groups(prints) == [(0, 1)]

    def test_duplicates_of_duplicates_are_in_one_group_and_groups_are_in_order(self):
        first, far, second = 0, 2**60 - 1, 2**8 - 1
        chain = 2**16 - 1  # 16 bits from `first`, and `second` lies between them

        assert duplicate_groups(prints_of([far, first, far, chain, second])) == [(0, 2), (1, 3, 4)]

    def test_many_copies_of_one_photo_are_one_group(self):
        assert duplicate_groups(prints_of([5] * 20_000)) == [tuple(range(20_000))]

    @pytest.mark.parametrize("count", [0, 1])
    def test_fewer_than_two_photos_have_no_duplicates(self, count: int):
        assert duplicate_groups(prints_of([5] * count)) == []

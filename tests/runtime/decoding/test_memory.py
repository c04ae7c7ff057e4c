"""The memory of a photo, foreseen from its header; and photos that wait for each other's memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pictures import empty_gif, encode, png, smooth_picture, with_directory
from PIL import Image, ImageFile

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.memory import BYTES_PER_PIXEL, DEFAULT_PIXELS, MEMORY, SMALL, Budget, memory_for
from vectortag.runtime.pixels import PixelRecipe, load_pixels, open_image

GREY, RGB, RGBA = 0, 2, 6
BOMBS = {
    "one column": (png(1, 190_000_000), "1 x 190000000 pixels .PNG, L. take 10,070 MB of memory"),
    "one row": (png(190_000_000, 1), "190000000 x 1 pixels"),
    "many layers": (png(14_000, 14_000, colour=RGBA), "14000 x 14000 pixels .PNG, RGBA. take 1,569 MB"),
    "35 bytes": (empty_gif(14_000, 14_000), "14000 x 14000 pixels .GIF, P. take 1,177 MB"),
    "a huge tile": (
        with_directory(
            bytes(64),
            {256: [8], 257: [8], 258: [8], 259: [8], 262: [1], 322: [60_000], 323: [60_000], 324: [8], 325: [64]},
        ),
        "8 x 8 pixels .TIFF, L. take 7,200 MB",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_takes_too_much_memory_is_refused_before_it_is_decoded(monkeypatch, name):
    photo, problem = BOMBS[name]
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("was decoded"))

    with pytest.raises(PhotoError, match=f"^photo: {problem}.*more than the limit of 720 MB$"):
        load_pixels(photo, 32, PixelRecipe())


def test_a_large_jpeg_is_decoded_small_and_takes_little():
    photo = encode(Image.new("L", (14_000, 14_000)), "JPEG")

    assert load_pixels(photo, 32, PixelRecipe(), budget=Budget(SMALL)).shape == (32, 32, 3)


def test_a_progressive_one_takes_its_coefficients():
    photo = encode(Image.new("RGB", (3000, 2000)), "JPEG", progressive=True)  # 6 megapixels in 4:2:0: 18 MB

    assert load_pixels(photo, 32, PixelRecipe(), budget=Budget(SMALL)).shape == (32, 32, 3)
    with pytest.raises(PhotoError, match="take 36 MB of memory, more than the limit of 32 MB"):
        load_pixels(encode(Image.new("RGB", (3000, 2000)), "JPEG", progressive=True, subsampling=0), 32, PixelRecipe(),
                    budget=Budget(SMALL))  # fmt: skip


def test_a_photo_that_is_turned_takes_a_second_picture():
    exif = Image.Exif()
    exif[274] = 6
    picture = Image.new("RGB", (2500, 2000))

    assert open_image(encode(picture, "PNG"), max_pixels=10**7, budget=Budget(SMALL)).size == (2500, 2000)
    with pytest.raises(PhotoError, match="take 40 MB of memory"):
        open_image(encode(picture, "PNG", exif=exif), max_pixels=10**7, budget=Budget(SMALL))


def test_a_higher_limit_of_pixels_brings_the_memory_for_them():
    assert memory_for(DEFAULT_PIXELS, Budget()) == MEMORY
    assert memory_for(2 * DEFAULT_PIXELS, Budget()) == 2 * DEFAULT_PIXELS * BYTES_PER_PIXEL
    assert memory_for(1000, Budget(1000)) == SMALL


def test_a_higher_limit_lets_a_panorama_in():
    with pytest.raises(PhotoError, match="1,569 MB"):
        load_pixels(BOMBS["many layers"][0], 32, PixelRecipe())
    with pytest.raises(PhotoError, match="broken photo: image file is truncated"):  # it was let in, and has no pixels
        load_pixels(png(20_000, 11_000, colour=GREY), 32, PixelRecipe(), max_pixels=220_000_000)


class TestBudget:
    def test_who_finds_no_memory_waits_for_those_who_have_it(self):
        budget, order = Budget(100), []
        entered = threading.Event()

        def second() -> None:
            entered.set()
            with budget.reserve(60):
                order.append("second")

        with ThreadPoolExecutor(1) as pool:
            with budget.reserve(60):
                waiting = pool.submit(second)
                entered.wait(10)
                order.append("first")
            waiting.result(10)
        assert order == ["first", "second"]
        assert budget.used == 0

    def test_what_is_larger_than_all_of_it_is_let_in_alone(self):
        budget = Budget(100)

        with budget.reserve(500):
            assert budget.used == 500

    def test_an_error_gives_back_what_it_had(self):
        budget = Budget(100)

        with pytest.raises(ZeroDivisionError), budget.reserve(60):
            raise ZeroDivisionError
        assert budget.used == 0

    def test_other_things_count(self):
        taken = [80]
        budget = Budget(100, elsewhere=lambda: taken[0])

        with ThreadPoolExecutor(1) as pool, budget.reserve(10):
            waiting = pool.submit(lambda: budget.reserve(15).__enter__())
            assert not waiting.done()
            taken[0] = 0
            with budget.reserve(1):
                pass  # whoever gives memory back wakes the others
            waiting.result(10)

    def test_photos_of_several_threads_share_it(self):
        photo = encode(smooth_picture(2000, 1500), "PNG")  # 12 MB each
        budget, most = Budget(SMALL), []

        class Watched(Budget):
            def reserve(self, count):
                most.append(count + self.used)
                return super().reserve(count)

        budget = Watched(SMALL)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: load_pixels(photo, 32, PixelRecipe(), budget=budget), range(12)))
        assert budget.used == 0
        assert len(most) == 12

"""A photo that another library decodes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.foreign import ForeignImage
from vectortag.runtime.decoding.memory import foreseen_bytes


def test_it_is_decoded_once_and_only_when_its_pixels_are_wanted():
    calls = []

    def decode() -> Image.Image:
        calls.append("decoded")
        return Image.new("RGB", (20, 10), "red")

    with ForeignImage(io.BytesIO(), form="RAW", mode="RGB", size=(40, 20), decode=decode) as image:
        assert (image.size, image.mode, image.format, calls) == ((40, 20), "RGB", "RAW", [])
        image.load()
        image.load()

    assert calls == ["decoded"]
    assert image.size == (20, 10)
    assert image.getpixel((3, 3)) == (255, 0, 0)


def test_what_its_decoder_takes_beside_counts():
    plain, heavy = (
        ForeignImage(
            io.BytesIO(), form="RAW", mode="RGB", size=(40, 20), decode=lambda: Image.new("RGB", (1, 1)), held=h
        )
        for h in (0, 1000)
    )

    assert foreseen_bytes(heavy, held=0, turned=False) - foreseen_bytes(plain, held=0, turned=False) == 1000


def test_an_error_of_the_decoder_is_passed_on():
    def decode() -> Image.Image:
        raise PhotoError("broken")

    with pytest.raises(PhotoError, match="broken"):
        ForeignImage(io.BytesIO(), form="RAW", mode="RGB", size=(4, 2), decode=decode).load()

"""Camera and exposure of a photo."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import ExifTags, Image

from vectortag.library.camera_facts import camera_facts


def jpeg(outer: dict[int, Any] | None = None, inner: dict[int, Any] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(outer or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(inner or {})
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_camera_lens_and_exposure_are_said_in_words():
    inner = {
        ExifTags.Base.LensModel: "XF35mmF1.4 R",
        ExifTags.Base.ExposureTime: 0.004,
        ExifTags.Base.FNumber: 2.8,
        ExifTags.Base.ISOSpeedRatings: 400,
        ExifTags.Base.FocalLength: 35.0,
    }

    assert camera_facts(jpeg({ExifTags.Base.Make: "FUJIFILM", ExifTags.Base.Model: "X-T4"}, inner)) == {
        "Camera": "FUJIFILM X-T4",
        "Lens": "XF35mmF1.4 R",
        "Exposure": "1/250 s, f/2.8, ISO 400, 35 mm",
    }


def test_a_model_that_names_its_maker_is_not_doubled():
    assert camera_facts(jpeg({ExifTags.Base.Make: "Canon Inc.", ExifTags.Base.Model: "Canon EOS R5"})) == {
        "Camera": "Canon EOS R5"
    }


def test_long_exposures_are_in_seconds():
    assert camera_facts(jpeg(inner={ExifTags.Base.ExposureTime: 2.5})) == {"Exposure": "2.5 s"}


@pytest.mark.parametrize("content", [b"", b"no photo", jpeg(), jpeg()[:40]])
def test_what_says_nothing_has_no_facts(content: bytes):
    assert camera_facts(content) == {}


def test_a_number_that_is_none_is_left_out():
    inner = {ExifTags.Base.ExposureTime: 0.0, ExifTags.Base.ISOSpeedRatings: 100}

    assert camera_facts(jpeg(inner=inner)) == {"Exposure": "ISO 100"}


def test_control_characters_of_a_name_do_not_come_through():
    facts = camera_facts(jpeg({ExifTags.Base.Model: "a\x1b[2J" + "b" * 500}))

    assert facts["Camera"].startswith(r"a\u001b[2J")
    assert len(facts["Camera"]) == 120

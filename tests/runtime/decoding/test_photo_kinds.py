"""Which files are photos, by how they begin and how their names end."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from vectortag.runtime.decoding.photo_kinds import (
    FORMATS,
    JPEG_START,
    LONGEST_LEAD,
    OTHER_KINDS,
    SUFFIXES,
    jpeg_lead,
    looks_like_photo,
    plugin_of,
)


def written(form: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_known_by_its_first_bytes_and_by_no_other(form: str):
    start = written(form)[:16]

    assert [name for name in FORMATS if plugin_of(name)[1](start)] == [form]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_begins_as_a_photo_looks_like_one_though_it_is_cut(form: str):
    assert looks_like_photo(io.BytesIO(written(form)))
    assert looks_like_photo(io.BytesIO(written(form)[:60]))


@pytest.mark.parametrize(
    "content",
    [b"FUJIFILMCCD-RAW ", b"\0\0\0\x18ftypisom" + bytes(20), b"8BPS\0\1" + bytes(20)],
    ids=["RAW", "video", "psd"],
)
def test_raw_photos_and_videos_look_like_photos_too(content: bytes):
    assert looks_like_photo(io.BytesIO(content))


@pytest.mark.parametrize("content", [b"", b"BMW, a car\n" + bytes(60), b"path,tag,score\n", b"%PDF-1.7 " + JPEG_START])
def test_other_files_do_not(content: bytes):
    assert not looks_like_photo(io.BytesIO(content))


def test_a_lead_before_a_jpeg_is_counted_up_to_a_limit():
    assert jpeg_lead(JPEG_START) == 0
    assert jpeg_lead(b"\r\n" + JPEG_START) == 2
    assert jpeg_lead(bytes(LONGEST_LEAD) + JPEG_START) == LONGEST_LEAD
    assert jpeg_lead(bytes(LONGEST_LEAD + 1) + JPEG_START) == 0
    assert jpeg_lead(b"ID3" + bytes(20) + JPEG_START) == 0


def test_no_ending_is_of_two_kinds():
    assert not SUFFIXES & OTHER_KINDS.keys()

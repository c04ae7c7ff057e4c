"""Names become text and come back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectortag.core.file_names import (
    ESCAPING,
    escape_path,
    is_missing,
    is_there,
    name_for_file,
    real_path,
    unescape_path,
)

NAME = st.binary(min_size=1, max_size=30).filter(lambda name: not {b"/", b"\0"} & {name[i : i + 1] for i in range(30)})


@given(NAME)
def test_every_name_comes_back(name: bytes):
    path = Path(os.fsdecode(name))

    assert unescape_path(escape_path(path).encode("utf-8").decode("utf-8")) == path


@given(st.text(alphabet="\\xe9uU0aé\udce9\ud800", max_size=12))
def test_names_that_look_like_escapes_come_back(name: str):
    assert unescape_path(escape_path(name)) == Path(name)


@pytest.mark.parametrize("name", ["sea.jpg", "日本 🌊.jpg", "C:\\photos\\sea.jpg", "100 %.jpg", "été"])
def test_a_name_in_unicode_stays_as_it_is(name: str):
    assert escape_path(name) == name


def test_two_names_never_become_one():
    assert escape_path("caf\udce9") == "caf\\xe9"
    assert escape_path("caf\\xe9") == "caf\\\\xe9"


def test_a_stream_escapes_what_it_lacks():
    assert "é日🌊\udce9".encode("ascii", ESCAPING) == rb"\u00e9\u65e5\U0001f30a\xe9"
    assert unescape_path("\\u00e9\\u65e5\\U0001f30a\\xe9") == Path("é日🌊\udce9")


@pytest.mark.parametrize("tag", ["dog", "golden gate", "T-shirt", "犬", "漢字" * 20, "naïve"])
def test_a_tag_in_a_file_s_name_stays_readable(tag: str):
    assert name_for_file(tag) == tag.replace(" ", "_")


def test_no_two_tags_share_a_file_s_name():
    tags = [
        "🐶",
        "🐱",
        "C++",
        "C#",
        "a b",
        "a_b",
        "..",
        "x" * 200,
        "x" * 201,
        "👨‍👩‍👧" * 40,
        "漢" * 60,
        "漢" * 61,
    ]
    names = {name_for_file(tag) for tag in tags}

    assert len(names) == len(tags)
    assert all(len(name.encode()) <= 140 and "/" not in name and name.strip(".") for name in names)


def test_a_path_that_cannot_be_checked_is_neither_there_nor_missing(tmp_path: Path):
    too_long = tmp_path / ("x" * 300)

    assert (is_there(tmp_path), is_missing(tmp_path)) == (True, False)
    assert (is_there(tmp_path / "x"), is_missing(tmp_path / "x")) == (False, True)
    assert (is_there(too_long), is_missing(too_long)) == (False, False)


def test_a_link_that_leads_to_itself_has_a_real_path(tmp_path: Path):
    (tmp_path / "loop").symlink_to("loop")

    assert real_path(tmp_path / "loop").name == "loop"
    assert real_path(tmp_path / "a/../b") == Path(os.path.realpath(tmp_path)) / "b"

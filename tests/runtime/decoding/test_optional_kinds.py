"""Photos that need something more: what it is, and whether it is there."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from vectortag.runtime.decoding import optional_kinds
from vectortag.runtime.decoding.optional_kinds import KIND_OF, OPTIONAL, ffmpeg, is_readable

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.fixture(autouse=True)
def looked_for_anew():
    for found in (is_readable, ffmpeg):
        found.cache_clear()
    yield
    for found in (is_readable, ffmpeg):
        found.cache_clear()


@pytest.mark.parametrize("kind", [kind for kind, about in OPTIONAL.items() if about.module])
def test_the_extra_that_is_named_has_the_package(kind: str):
    extras = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]

    assert OPTIONAL[kind].remedy == f"pip install 'vectortag[{kind}]'"
    assert any(line.startswith(OPTIONAL[kind].needs) for line in extras[kind])


@pytest.mark.parametrize("kind", [kind for kind, about in OPTIONAL.items() if about.module])
def test_a_kind_is_readable_where_its_module_is(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setitem(sys.modules, str(OPTIONAL[kind].module), None)

    assert not is_readable(kind)


def test_videos_are_readable_where_the_program_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_readable("video")

    is_readable.cache_clear()
    ffmpeg.cache_clear()
    monkeypatch.setattr(optional_kinds, "which", lambda name: f"/usr/bin/{name}")
    assert is_readable("video")


def test_a_program_in_the_folder_where_one_stands_is_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(optional_kinds, "which", lambda name: "./ffmpeg.EXE")  # as Windows finds it

    assert ffmpeg() is None


def test_the_error_says_what_to_do():
    assert str(OPTIONAL["raw"].is_missing()) == "a RAW photo needs rawpy. Install it with: pip install 'vectortag[raw]'"
    assert str(OPTIONAL["heic"].is_missing()).startswith("an HEIC photo needs pillow-heif. Install it with: pip")
    assert str(OPTIONAL["video"].is_missing()).startswith("a video needs ffmpeg. To read it, install the program")


def test_no_ending_is_of_two_kinds():
    assert len(KIND_OF) == sum(len(about.suffixes) for about in OPTIONAL.values())

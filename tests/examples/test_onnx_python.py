"""examples/onnx/tag.py shows the tags that `vectortag tag` shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PROGRAM, PHOTOS = ROOT / "examples/onnx/tag.py", sorted((ROOT / "examples/photos").glob("*.jpg"))

WITHOUT_VECTORTAG = """
import runpy, sys
sys.modules["vectortag"] = None
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def shown_by_example(model: Path, photos: list[Path]) -> list[dict[str, Any]]:
    command = [sys.executable, "-c", WITHOUT_VECTORTAG, PROGRAM, model, *photos]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def shown_by_vectortag(cli: Callable[..., Any], photos: list[Path]) -> list[dict[str, Any]]:
    outcome = cli("tag", *photos, "--format", "jsonl", "--model", "lite0", "--precision", "exact", "--no-library")
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def assert_alike(actual: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert (one["path"], one["model"]) == (other["path"], other["model"])
        assert [row["tag"] for row in one["tags"]] == [row["tag"] for row in other["tags"]]
        for row, wanted in zip(one["tags"], other["tags"], strict=True):
            assert row["score"] == pytest.approx(wanted["score"], abs=1e-5)
            assert row["threshold"] == wanted["threshold"]


def test_it_shows_what_vectortag_shows(exported: Path, cli: Callable[..., Any]):
    actual = shown_by_example(exported, PHOTOS)

    assert_alike(actual, shown_by_vectortag(cli, PHOTOS))
    assert sum(len(one["tags"]) for one in actual) > 20


def test_large_turned_and_transparent_photos_are_read_as_vectortag_reads_them(
    exported: Path, cli: Callable[..., Any], tmp_path: Path
):
    with Image.open(ROOT / "examples/photos/dogs.jpg") as opened:
        photo = opened.convert("RGB")
    large, turned, clear = (tmp_path / name for name in ("large.jpg", "turned.jpg", "clear.png"))
    photo.resize((1704, 2560)).save(large, quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif, quality=95)
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.save(clear)
    photos = [clear, large, turned]

    assert_alike(shown_by_example(exported, photos), shown_by_vectortag(cli, photos))
